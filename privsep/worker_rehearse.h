/* worker_rehearse.h - the two halves of the rehearsal, for each other alone. */
#ifndef PRIVSEP_WORKER_REHEARSE_H
#define PRIVSEP_WORKER_REHEARSE_H

#include "privsep/worker_state.h"

/* A KEXINIT that offers the i-th algorithm of each table (or the first). */
struct span worker_rehearse_kexinit(uint8_t *buf, size_t cap, size_t i);
struct span worker_rehearse_hash(size_t i);
/* Answers its TE_GROUP. */
enum proto_error worker_rehearse_group(struct transport *);
struct transport *worker_rehearse_transport(enum ssh_role, struct span kexinit,
    uint8_t *rx, uint8_t *tx);
/* The real loop over the descriptors of worker_rehearse_prepare(); the buffers are
 * the pretended peer's. */
int worker_rehearse_life(uint8_t *rx, uint8_t *tx);

#endif
