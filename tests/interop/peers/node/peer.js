// peer.js - npm's ssh2 as a peer; ../README.md has the command line.
"use strict";
const fs = require("fs");
const { Client, Server, utils } = require("ssh2");

function narrow(kex, hostkey, cipher, mac) {
  const out = {};
  const rows = [["kex", kex], ["serverHostKey", hostkey], ["cipher", cipher], ["hmac", mac]];
  for (const [name, value] of rows) {
    if (value !== "-") out[name] = [value];
  }
  return out;
}

function fail(e) {
  console.error(String(e));
  process.exit(255);
}

function client(port, user, key, ...algs) {
  const conn = new Client();
  conn.on("error", fail);
  conn.on("ready", () => conn.exec("cat", (err, stream) => {
    if (err) fail(err);
    let status = 255;
    process.stdin.pipe(stream);
    stream.pipe(process.stdout);
    stream.on("exit", (code) => { status = code; });
    stream.on("close", () => { process.exitCode = status; conn.end(); });
  }));
  conn.connect({ host: "127.0.0.1", port: Number(port), username: user, privateKey: fs.readFileSync(key),
    algorithms: narrow(...algs) });
}

function server(hostkey, authorized, ...algs) {
  const key = utils.parseKey(fs.readFileSync(authorized));
  const s = new Server({ hostKeys: [fs.readFileSync(hostkey)], algorithms: narrow(...algs) }, (conn) => {
    conn.on("error", (e) => console.error(String(e)));
    conn.on("authentication", (ctx) => {
      const good = ctx.method === "publickey" && ctx.key.data.equals(key.getPublicSSH()) &&
        (!ctx.signature || key.verify(ctx.blob, ctx.signature, ctx.hashAlgo) === true);
      if (good) ctx.accept(); else ctx.reject(["publickey"]);
    });
    conn.on("session", (accept) => accept().on("exec", (acceptExec) => {
      const stream = acceptExec();
      stream.on("data", (d) => { if (!stream.write(d)) { stream.pause(); stream.once("drain", () => stream.resume()); } });
      stream.on("end", () => { stream.exit(0); stream.end(); });
    }));
  });
  s.listen(0, "127.0.0.1", () => console.log("port " + s.address().port));
  process.stdin.on("end", () => process.exit(0)).resume();
}

({ client, server })[process.argv[2]](...process.argv.slice(3));
