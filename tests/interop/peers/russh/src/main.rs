// main.rs - russh as a peer; ../../README.md has the command line.
use std::borrow::Cow;
use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;

use russh::keys::{load_public_key, load_secret_key, Algorithm, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::server::{Msg, Server as _, Session, VerifiedPublicKey};
use russh::{client, server, Channel, ChannelId, ChannelMsg, Preferred};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Failed = Box<dyn Error>;
const PIECE: usize = 32768;

fn narrow(kex: &str, hostkey: &str, cipher: &str, mac: &str) -> Preferred {
    let mut p = Preferred::default();
    if kex != "-" {
        let mut names = vec![russh::kex::Name::try_from(kex).expect("a key exchange")];
        names.extend([
            russh::kex::EXTENSION_SUPPORT_AS_CLIENT,
            russh::kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
            russh::kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
        ]);
        p.kex = Cow::Owned(names);
    }
    if hostkey != "-" {
        p.key = Cow::Owned(vec![Algorithm::from_str(hostkey).expect("a host key algorithm")]);
    }
    if cipher != "-" {
        p.cipher = Cow::Owned(vec![russh::cipher::Name::try_from(cipher).expect("a cipher")]);
    }
    if mac != "-" {
        p.mac = Cow::Owned(vec![russh::mac::Name::try_from(mac).expect("a MAC")]);
    }
    p
}

// ---- client

struct Anybody;

impl client::Handler for Anybody {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

async fn run_client(arg: &[String]) -> Result<i32, Failed> {
    let config = client::Config { preferred: narrow(&arg[3], &arg[4], &arg[5], &arg[6]), ..Default::default() };
    let mut session = client::connect(Arc::new(config), ("127.0.0.1", arg[0].parse()?), Anybody).await?;
    let key = Arc::new(load_secret_key(&arg[2], None)?);
    let hash = session.best_supported_rsa_hash().await?.flatten();
    if !session.authenticate_publickey(&arg[1], PrivateKeyWithHashAlg::new(key, hash)).await?.success() {
        return Err("the key was refused".into());
    }
    let channel = session.channel_open_session().await?;
    channel.exec(true, "cat").await?;
    let (mut read, write) = channel.split();
    let sender = tokio::spawn(async move {
        let mut stdin = tokio::io::stdin();
        let mut writer = write.make_writer();
        tokio::io::copy(&mut stdin, &mut writer).await.expect("to send");
        write.eof().await.expect("to end");
    });
    let (mut stdout, mut status) = (tokio::io::stdout(), 255);
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { ref data } => stdout.write_all(data).await?,
            ChannelMsg::ExitStatus { exit_status } => status = exit_status as i32,
            _ => {}
        }
    }
    stdout.flush().await?;
    sender.await?;
    Ok(status)
}

// ---- server

#[derive(Clone)]
struct Echo {
    authorized: PublicKey,
    channel: Option<Arc<tokio::sync::Mutex<Option<Channel<Msg>>>>>,
}

impl server::Server for Echo {
    type Handler = Self;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Self {
        self.clone()
    }
}

impl server::Handler for Echo {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<server::Auth, Self::Error> {
        Ok(if key.public_key.key_data() == self.authorized.key_data() {
            server::Auth::Accept
        } else {
            server::Auth::reject()
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channel = Some(Arc::new(tokio::sync::Mutex::new(Some(channel))));
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, _: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        let slot = self.channel.clone().expect("an open channel");
        let channel = slot.lock().await.take().expect("one command for each");
        let handle = session.handle();
        tokio::spawn(async move {
            let (mut read, write) = channel.split();
            // russh takes nothing from the network while its channel waits for a reader: a reader that
            // waits for the window to write would wait for ever
            let (queue, mut queued) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
            let reader = tokio::spawn(async move {
                let (mut buf, mut reader) = (vec![0; PIECE], read.make_reader());
                while let Ok(n @ 1..) = reader.read(&mut buf).await {
                    let _ = queue.send(buf[..n].to_vec());
                }
            });
            let mut writer = write.make_writer();
            while let Some(piece) = queued.recv().await {
                writer.write_all(&piece).await.expect("to echo");
            }
            let _ = reader.await;
            writer.flush().await.expect("to echo");
            let _ = handle.exit_status_request(id, 0).await;
            let _ = write.eof().await;
            let _ = write.close().await;
        });
        Ok(())
    }
}

async fn run_server(arg: &[String]) -> Result<i32, Failed> {
    let config = server::Config {
        keys: vec![load_secret_key(&arg[0], None)?],
        preferred: narrow(&arg[2], &arg[3], &arg[4], &arg[5]),
        ..Default::default()
    };
    let mut echo = Echo { authorized: load_public_key(&arg[1])?, channel: None };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    tokio::spawn(async move { echo.run_on_socket(Arc::new(config), &listener).await });
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(0)
}

fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let result = runtime.block_on(async {
        if arg[1] == "client" { run_client(&arg[2..]).await } else { run_server(&arg[2..]).await }
    });
    std::process::exit(result.unwrap_or_else(|e| {
        eprintln!("{e}");
        255
    }));
}
