#!/usr/bin/env python3
"""asyncssh_peer.py - asyncssh as a peer; README.md here has the command line."""
import asyncio, sys

import asyncssh

PIECE = 65536


def offers(kex, hostkey, cipher, mac, role):
    names = {"kex_algs": kex, "encryption_algs": cipher, "mac_algs": mac}
    if role == "client":
        names["server_host_key_algs"] = hostkey
    return {k: [v] for k, v in names.items() if v != "-"}


async def client(port, user, key, *algorithms):
    loop = asyncio.get_running_loop()
    data = await loop.run_in_executor(None, sys.stdin.buffer.read)
    async with asyncssh.connect("127.0.0.1", int(port), username=user, client_keys=[key], known_hosts=None,
                                agent_path=None, config=None, **offers(*algorithms, role="client")) as conn:
        process = await conn.create_process("cat", encoding=None)

        async def send():
            for at in range(0, len(data), PIECE):
                process.stdin.write(data[at:at + PIECE])
                await process.stdin.drain()
            process.stdin.write_eof()
        _, out = await asyncio.gather(send(), process.stdout.read())
        sys.stdout.buffer.write(out)
        sys.stdout.flush()
        result = await process.wait()
        return result.exit_status


async def echo(process):
    while True:
        data = await process.stdin.read(PIECE)
        if not data:
            break
        process.stdout.write(data)
        await process.stdout.drain()
    process.exit(0)


async def server(hostkey_file, authorized, *algorithms):
    listener = await asyncssh.create_server(
        asyncssh.SSHServer, "127.0.0.1", 0, server_host_keys=[hostkey_file], authorized_client_keys=authorized,
        process_factory=echo, encoding=None, config=None, **offers(*algorithms, role="server"))
    print("port %d" % listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    return 0


sys.exit(asyncio.run({"client": client, "server": server}[sys.argv[1]](*sys.argv[2:])))
