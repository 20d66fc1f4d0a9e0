/*
 * keyfile_samples.h - key files made by ssh-keygen of OpenSSH 9.2 for these tests
 * and for nothing else.  public is the base64 of ssh-keygen's .pub file.
 */
#ifndef TESTS_KEYFILE_SAMPLES_H
#define TESTS_KEYFILE_SAMPLES_H

#define SAMPLE_PASSPHRASE "correct horse"

struct keyfile_sample {
	const char *name;		/* of the cipher, or what is odd about it */
	const char *comment, *public, *file;
};

static const struct keyfile_sample samples_clear[] = {
	{
	    "plain", "plain@example",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIGhoiHrh1DfMspS0ttHmSCUB6Jw0ldpcS97HyonR9Rtg",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	    "QyNTUxOQAAACBoaIh64dQ3zLKUtLbR5kglAeicNJXaXEvex8qJ0fUbYAAAAJA9HijqPR4o\n"
	    "6gAAAAtzc2gtZWQyNTUxOQAAACBoaIh64dQ3zLKUtLbR5kglAeicNJXaXEvex8qJ0fUbYA\n"
	    "AAAEAvb6YuJAxmyqtxtpODuoAr4fmu/BlsS1PX56b/mY55rGhoiHrh1DfMspS0ttHmSCUB\n"
	    "6Jw0ldpcS97HyonR9RtgAAAADXBsYWluQGV4YW1wbGU=\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "empty", "",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIBht/SG2YgU7NpZh4f6Nab4BQN76+BDqwW66Hpk3A79D",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
	    "QyNTUxOQAAACAYbf0htmIFOzaWYeH+jWm+AUDe+vgQ6sFuuh6ZNwO/QwAAAIgcbvA2HG7w\n"
	    "NgAAAAtzc2gtZWQyNTUxOQAAACAYbf0htmIFOzaWYeH+jWm+AUDe+vgQ6sFuuh6ZNwO/Qw\n"
	    "AAAED3jXjgLwqQI32OoUx1RFEVofNnp5HQfuoS+C946YzVMxht/SG2YgU7NpZh4f6Nab4B\n"
	    "QN76+BDqwW66Hpk3A79DAAAAAAECAwQF\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
};

static const struct keyfile_sample samples_encrypted[] = {
	{
	    "aes256-ctr", "aes256-ctr",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIFnO+RboBubFOE2OL3BkI0CRTj+tUcmc/BZLhXtyM1/x",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDWwYNte2\n"
	    "/Tpwn8/gW3OB82AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIFnO+RboBubFOE2O\n"
	    "L3BkI0CRTj+tUcmc/BZLhXtyM1/xAAAAkBcIuIbml52gL2KJ28jVP0XJbsvZvrPjHysQen\n"
	    "sHYxiKEq3WzJgjgjfrBs1N3rATlFeww8Ij1wJPxZz2/c6McOutKt77HggC3SMP+h+ePV5/\n"
	    "jwiKQCllYB+YyjE2TzGni0n6LwxKDwO8tHzr/erO3PEP8bLD39hyoCLoQKOIOxuQez8yZK\n"
	    "Dwk0PkS2IuSYDQvA==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes192-ctr", "aes192-ctr",
	    "AAAAC3NzaC1lZDI1NTE5AAAAICYSDVe/XqdUySzhzLpV3MvSWsonyFPcNk5bgXr4kffT",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczE5Mi1jdHIAAAAGYmNyeXB0AAAAGAAAABCGSN66jF\n"
	    "eW65DCV7FoxtJ5AAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAICYSDVe/XqdUySzh\n"
	    "zLpV3MvSWsonyFPcNk5bgXr4kffTAAAAkCqxvoLSdm5whVC+h/pnVHYo0xHJGx0f71ZiQm\n"
	    "G4spZSuyUmzKwJKFA/pywqF9CJU0ftZ+1B44PDQem/fzncC83f1T5z8/raDBiWR0F260BB\n"
	    "BCFzCir0B1yirk4LwIFBrmPGX/zeoZEC8uiC0U5HOP3/5u/tcDZgQ5Z6VnlvWAjBzloSVf\n"
	    "6GMPqIOqiA1SiZdg==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes128-ctr", "aes128-ctr",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIKOtjZphFUqcKJ8HGniDAslJLF8eO/0SVQJ1L0gu6Tvy",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczEyOC1jdHIAAAAGYmNyeXB0AAAAGAAAABBD9kdshl\n"
	    "caHfwF7XX5EsTxAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIKOtjZphFUqcKJ8H\n"
	    "GniDAslJLF8eO/0SVQJ1L0gu6TvyAAAAkMO+O+HAsfwmDbF4eihjQvmnKo6s9aMA8kg/ok\n"
	    "YK8n7vFJntyUcuBctC+n68Gl+V36/Og/ogyh2L4ovXLvNW0YTzQn23tuD/+zsG0IuRCQlk\n"
	    "Lqce3BBCzlsMdXzbUKvkeenhlysUK/HShsS6sFDr+iF69HQ8OpZwOzalr8inlhwBwz8fLc\n"
	    "ptxiuZW104zbXS9Q==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes256-cbc", "aes256-cbc",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIOLjDvObERpzIvlCNx39SUg/4Z5j+mY3jc3zBFxelIcU",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jYmMAAAAGYmNyeXB0AAAAGAAAABDpLSKdQt\n"
	    "hx1ImWPzVZu7K+AAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIOLjDvObERpzIvlC\n"
	    "Nx39SUg/4Z5j+mY3jc3zBFxelIcUAAAAkOwul2B/JLJNYF5PnR9CRI9XWS840I+ryYq10N\n"
	    "haPJb6+pVLKXP3EBJae4JkBnHHIPvVK+rzveWOwszbCnNnUR9isyiWp6uyW/XwugNyNF47\n"
	    "g5Ip1MGsgDQbjEeTB80E7ZpWofwriwvh0EFVLRVP/KY2/+BHW0g336jTV16UN0alPRgiEN\n"
	    "FNS0fS+nNH13eOIg==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes192-cbc", "aes192-cbc",
	    "AAAAC3NzaC1lZDI1NTE5AAAAINheR3r1FD1p3HABWi8YAA6ggykoB5c4ZcDY5yuF6fNx",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczE5Mi1jYmMAAAAGYmNyeXB0AAAAGAAAABDyaEZ6zQ\n"
	    "v9kHu/Od3fvTxzAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAINheR3r1FD1p3HAB\n"
	    "Wi8YAA6ggykoB5c4ZcDY5yuF6fNxAAAAkPMzkQalvL4JPOoPRUhoCnMqa8WKTyO6oRu08P\n"
	    "X2lOgh2Ca+eAYhmgcUkcjuKPb3WwQ6o5Z+q4DZhpMQVlO4BNazBN5LfYEguEWvNgmvce76\n"
	    "PsVKF/rmlqix1KekUbKIoFZUxkWtYnAagw9lrZWCVfAI13VYOt96d2lkdCBfXjVivhKUr2\n"
	    "/sDxjg9tZFUchlUQ==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes128-cbc", "aes128-cbc",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIMuJn1Y82AsRqR90Ac9/rIADod4Rv+rFqwenzHeg4LiY",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczEyOC1jYmMAAAAGYmNyeXB0AAAAGAAAABABL5Jo5O\n"
	    "AbqZRdcATXM9pPAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIMuJn1Y82AsRqR90\n"
	    "Ac9/rIADod4Rv+rFqwenzHeg4LiYAAAAkHeP9JCUk8dkEcMhegI00ce/ILaRTPiys3kQwM\n"
	    "bEJPOvH+N2dhDqqHwTnWXXDOHPBKd6SFoEyDzSNV+ch08Z/3EdsS6sYB16Nk/bYI/yEeun\n"
	    "yTxCDWv8usrSehntWgNawF677JOAvcXkpf6ygAJU6w+tN7AFB2eu2ngN47+yY5mWKMX/ad\n"
	    "GmWlnVbRBjfefU4g==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes256-gcm@openssh.com", "aes256-gcm@openssh.com",
	    "AAAAC3NzaC1lZDI1NTE5AAAAINxeVeJmXehYhjVCNr6hOTzb/Wi+2E+TCXSTiaLef0zT",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAAFmFlczI1Ni1nY21Ab3BlbnNzaC5jb20AAAAGYmNyeXB0AA\n"
	    "AAGAAAABAYT9I1J9AoWQ5LnH8XPzqjAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAA\n"
	    "INxeVeJmXehYhjVCNr6hOTzb/Wi+2E+TCXSTiaLef0zTAAAAoG06qQpuw0o7qkAW0z77i0\n"
	    "GHF9/NjMDVoUyLG5mU0Q3RnNBcP21T6vpUu49ebn25NZP9cTly2pDzhDTWMpf2RN9J+q93\n"
	    "ZTZ3q+XT+0FWKn82YvmQ7DSjbza/Ouf7UrA4HB1qREZb6CcRYQ/7P/GvamK0R8FusnN7Sx\n"
	    "x45CreIX0Xa8Wv02EYtm3Op5lTx/NEi72r8rOA/LVTYGcVfqE2cpFjTqddt+qvL50XxI1/\n"
	    "pgWX\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "aes128-gcm@openssh.com", "aes128-gcm@openssh.com",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIM9xGOreu3wmFkQWXZPaOgVPba8b/FTAQ2UQZB8HhtxI",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAAFmFlczEyOC1nY21Ab3BlbnNzaC5jb20AAAAGYmNyeXB0AA\n"
	    "AAGAAAABCCjCu+sdl3AHgIrMlFFueMAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAA\n"
	    "IM9xGOreu3wmFkQWXZPaOgVPba8b/FTAQ2UQZB8HhtxIAAAAoEJWnfAPQUBH61hZDwTD4g\n"
	    "u74B/92i2bQdN7sC8fHp2sbQX6gVgaGOZBXi5jKR9eUDeI66v+uWVVOq2YjMmfi6bJpQPk\n"
	    "7I9EP5nBgfFTnqn+3/HQxKDnlJz+Z63ScHnrRenT+YuYPvPBzpBxrSoJ+rl8exNG5okpAa\n"
	    "YCnWhgvHMMy2PaX+VKolDtt8CJbLKYwYfCIwdIa6CmLPAmQMPpKQC9hNx4XyVZJtvg1lU8\n"
	    "gKOT\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "chacha20-poly1305@openssh.com", "chacha20-poly1305@openssh.com",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIBbQFDVapS8uW0KgLxpCXA1daqKhtCQyigLhiQ3T0fm1",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAAHWNoYWNoYTIwLXBvbHkxMzA1QG9wZW5zc2guY29tAAAABm\n"
	    "JjcnlwdAAAABgAAAAQ391WUSaU5zgc8uNXTQ2thwAAAAEAAAABAAAAMwAAAAtzc2gtZWQy\n"
	    "NTUxOQAAACAW0BQ1WqUvLltCoC8aQlwNXWqiobQkMooC4YkN09H5tQAAAKC8kTz8PMMmP0\n"
	    "t6DBWwN7AEse8LNFcEBrbCx6SaAfyJESufBrsKcZUF86pxuiTDX6wQn06eucWFtcp/ysoQ\n"
	    "Ba0pRBa+AV3sTzHXG9I6kOVGHPIUqMCGk4hwLyfVBv9bA2W0qSltj8hYiQ9GWLjsWn19db\n"
	    "i3T7Ju0+urQzJK6YmNp8N4XeEAor/cAqo03u3RWO1jh8uSLYaTcYOa9pIcYz7g8drTkEg0\n"
	    "nUFdtm8iN231aw==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "3des-cbc", "3des-cbc",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIKi9GqUK8AYHoKbpZ1MfkGoBqNnHEe6DupOL+aaPdyTG",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACDNkZXMtY2JjAAAABmJjcnlwdAAAABgAAAAQo3ARrqslM4\n"
	    "wGfz6qgFihywAAAAEAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQAAACCovRqlCvAGB6Cm6WdT\n"
	    "H5BqAajZxxHug7qTi/mmj3ckxgAAAJBzaW57vQcIQ2GTx7kiHKgwvzXOpRJNR6XZTCS1pB\n"
	    "D+qB2okvdOAJP6UfLl439fn3oe1Q9AZcBJpC9sVRmWJjnSzAbO6SF/SQoPSDF1ouam3Ip+\n"
	    "MRzRM7h3MBHBudxKoK6W1289Bw4Ho8QXugOgKhfO6jx4NRzczh5ech79NaMFLVPdd73F52\n"
	    "S4YgcQUh3amYs=\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
};

/* Put together by hand: keys in security tokens, whose files have no secret in them.  The last
 * has a passphrase, by ssh-keygen. */
static const struct keyfile_sample samples_token[] = {
	{
	    "sk-ssh-ed25519@openssh.com", "sk",
	    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo=",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAASgAAABpzay1zc2\n"
	    "gtZWQyNTUxOUBvcGVuc3NoLmNvbQAAACAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRob\n"
	    "HB0eHwAAAARzc2g6AAAAaAECAwQBAgMEAAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY2\n"
	    "9tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDoBAAAABmhh\n"
	    "bmRsZQAAAAAAAAACc2sB\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"
	},
	{
	    "sk-ecdsa-sha2-nistp256@openssh.com", "sk ecdsa",
	    "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBLlRPKLuae827sMtDM"
	    "BtpjLBBzuQqls+0mnnsD8ZSrgNJ6o9xqCTjQ0Rf5+H3Dz85YDo6r+mkoIBBtiqjDA3IBIAAAAEc3NoOg==",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAfwAAACJzay1lY2\n"
	    "RzYS1zaGEyLW5pc3RwMjU2QG9wZW5zc2guY29tAAAACG5pc3RwMjU2AAAAQQS5UTyi7mnv\n"
	    "Nu7DLQzAbaYywQc7kKpbPtJp57A/GUq4DSeqPcagk40NEX+fh9w8/OWA6Oq/ppKCAQbYqo\n"
	    "wwNyASAAAABHNzaDoAAACoAQIDBAECAwQAAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBv\n"
	    "cGVuc3NoLmNvbQAAAAhuaXN0cDI1NgAAAEEEuVE8ou5p7zbuwy0MwG2mMsEHO5CqWz7Sae\n"
	    "ewPxlKuA0nqj3GoJONDRF/n4fcPPzlgOjqv6aSggEG2KqMMDcgEgAAAARzc2g6AQAAAAhh\n"
	    "IGhhbmRsZQAAAAAAAAAIc2sgZWNkc2EBAgME\n"
	    "-----END OPENSSH PRIVATE KEY-----\n",
	},
	{
	    "sk-ecdsa-sha2-nistp256@openssh.com", "sk ecdsa",
	    "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBLlRPKLuae827sMtDM"
	    "BtpjLBBzuQqls+0mnnsD8ZSrgNJ6o9xqCTjQ0Rf5+H3Dz85YDo6r+mkoIBBtiqjDA3IBIAAAAEc3NoOg==",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
	    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCrmCt5cA\n"
	    "SlqGiMqSx8ZxjKAAAABAAAAAEAAAB/AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3Bl\n"
	    "bnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBLlRPKLuae827sMtDMBtpjLBBzuQqls+0mnnsD\n"
	    "8ZSrgNJ6o9xqCTjQ0Rf5+H3Dz85YDo6r+mkoIBBtiqjDA3IBIAAAAEc3NoOgAAALA7MBEo\n"
	    "kX9c0YN0/C9qt9ApsZfH7Bjl1PtzfIHY0vJGSw7qqdpKWdJfq4hKM37gxSzKhX9VkpgUrH\n"
	    "vQVPeG0FDPYuMKAM07BvFUMa3du40rHmNh4/LOxvK/n0dN9H18WMSUCyGizY+Rtj1wFjwW\n"
	    "xP/nyA3SS4oo0QDPToWoBSqEC9SGKcUqbASDQiX/23Xu9LdDbpcFThCHXJY6zURT/VXiu3\n"
	    "JhcoHW52rBFv/6np+ZvA==\n"
	    "-----END OPENSSH PRIVATE KEY-----\n",
	},
};

#endif
