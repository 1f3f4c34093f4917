//! [`ask`]: one question over TLS 1.3 (RFC 8446), with an end in sight.
//!
//! It finds out what a server offers, and trusts nobody: certificates and signatures are accepted whatever they are, so
//! that one which this host would not trust does not look like none. For the same reason nothing may be sent by it that
//! is a secret, and nothing that comes is proven to be from whom it is named after.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, DigitallySignedStruct, Error, PeerIncompatible, SignatureScheme};

use super::{clock, socket};
use crate::time::{Monotonic, TimeDelta};

/// Bytes that are read, certificates included.
pub const MOST: usize = 64 * 1024;
/// So many are read at a time: fewer than rustls keeps of what nobody has taken yet.
const PIECE: usize = 4 * 1024;

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whom to ask.
    pub to: SocketAddr,
    /// The name that it is asked for by. One that DNS cannot have, or an address, is not sent (RFC 6066 section 3).
    pub name: &'a str,
    /// The interface to ask through; where nothing is said, the route decides.
    pub interface: Option<&'a str>,
    /// What has to be agreed on below TLS (RFC 7301).
    pub protocol: &'a [u8],
    /// What is sent.
    pub bytes: &'a [u8],
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody is there.
    #[error("nothing listens")]
    Refused,
    /// There is no connection in time.
    #[error("no connection in time")]
    Unreachable,
    /// There is one, and no whole answer in time.
    #[error("no whole answer in time")]
    Late,
    /// It was ended before the answer was.
    #[error("it ends the connection before its answer")]
    Closed,
    /// What came is no TLS.
    #[error("it does not speak TLS")]
    NoTls,
    /// It has an older TLS alone.
    #[error("it does not speak TLS 1.3")]
    OldTls,
    /// It did not agree on the protocol.
    #[error("it speaks TLS, and does not agree on the protocol below it")]
    OtherProtocol,
    /// It sends more than is read.
    #[error("its answer is too long")]
    TooLong,
    /// TLS failed in another way.
    #[error("TLS: {0}")]
    Tls(Error),
    /// The network failed.
    #[error("{0}")]
    Network(#[from] io::Error),
}

/// Asks, for at most `patience` in all, and for at most [`MOST`] bytes. `read` gets all that came so far, and whether it
/// has ended; what it makes of it is the answer.
///
/// # Errors
///
/// There is no answer in these limits.
pub fn ask<T>(
    question: &Question<'_>,
    patience: TimeDelta,
    read: impl Fn(&[u8], bool) -> Option<T>,
) -> Result<T, NoAnswer> {
    let until = clock::counter() + patience;
    let mut tls = session(question).map_err(NoAnswer::Tls)?;
    let stream = connect(question, patience)?;
    let mut talk = Talk {
        stream: &stream,
        until,
        received: 0,
    };
    talk.hold(question, &mut tls, read)
}

/// TLS of the client's side, before its first byte.
fn session(question: &Question<'_>) -> Result<ClientConnection, Error> {
    let provider = Arc::new(default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Whoever))
        .with_no_client_auth();
    config.alpn_protocols = vec![question.protocol.to_vec()];
    config.resumption = Resumption::disabled();
    let name = match ServerName::try_from(question.name) {
        Ok(name) => name.to_owned(),
        Err(_) => ServerName::from(question.to.ip()),
    };
    ClientConnection::new(Arc::new(config), name)
}

fn connect(question: &Question<'_>, patience: TimeDelta) -> Result<TcpStream, NoAnswer> {
    let connected = socket::connect(question.to, question.interface, patience.to_duration());
    connected.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => NoAnswer::Refused,
        io::ErrorKind::TimedOut => NoAnswer::Unreachable,
        _ => NoAnswer::Network(error),
    })
}

/// A connection with its limits.
struct Talk<'a> {
    stream: &'a TcpStream,
    until: Monotonic,
    received: usize,
}

impl Talk<'_> {
    fn hold<T>(
        &mut self,
        question: &Question<'_>,
        tls: &mut ClientConnection,
        read: impl Fn(&[u8], bool) -> Option<T>,
    ) -> Result<T, NoAnswer> {
        let mut is_asked = false;
        let mut answer = Vec::new();
        loop {
            if !is_asked && !tls.is_handshaking() {
                // A server that has no such protocol may go on without one (RFC 7301 section 3.2).
                if tls.alpn_protocol() != Some(question.protocol) {
                    self.say_goodbye(tls);
                    return Err(NoAnswer::OtherProtocol);
                }
                tls.writer().write_all(question.bytes)?;
                is_asked = true;
            }
            self.send(tls)?;
            let has_ended = self.receive(tls, &mut answer)?;
            if is_asked && let Some(told) = read(&answer, has_ended) {
                self.say_goodbye(tls);
                return Ok(told);
            }
            if has_ended {
                return Err(NoAnswer::Closed);
            }
        }
    }

    fn send(&mut self, tls: &mut ClientConnection) -> Result<(), NoAnswer> {
        while tls.wants_write() {
            self.stream.set_write_timeout(Some(self.left()?))?;
            match tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    /// Puts what comes next behind the answer; tells whether nothing more will come.
    fn receive(
        &mut self,
        tls: &mut ClientConnection,
        answer: &mut Vec<u8>,
    ) -> Result<bool, NoAnswer> {
        let mut piece = [0; PIECE];
        self.stream.set_read_timeout(Some(self.left()?))?;
        let count = match self.stream.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        self.received += count;
        if self.received > MOST {
            return Err(NoAnswer::TooLong);
        }
        let mut rest = piece.get(..count).unwrap_or_default();
        while !rest.is_empty() {
            // Once the other side has said that it ends, nothing is taken any more. It only fails where a message of
            // TLS is longer than any buffer.
            if tls.read_tls(&mut rest).map_err(|_| NoAnswer::TooLong)? == 0 {
                break;
            }
            let state = match tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    let said = refused(error, tls);
                    self.say_goodbye(tls);
                    return Err(said);
                }
            };
            let from = answer.len();
            answer.resize(from + state.plaintext_bytes_to_read(), 0);
            if let Some(room) = answer.get_mut(from..) {
                tls.reader().read_exact(room)?;
            }
            if state.peer_has_closed() {
                return Ok(true);
            }
        }
        Ok(count == 0)
    }

    fn left(&self) -> Result<Duration, NoAnswer> {
        let left = self.until.since(clock::counter());
        match left > TimeDelta::ZERO {
            true => Ok(left.to_duration()),
            false => Err(NoAnswer::Late),
        }
    }

    /// Says that it is over, or why, to whom still listens: nothing depends on it.
    fn say_goodbye(&mut self, tls: &mut ClientConnection) {
        tls.send_close_notify();
        let _ = self.send(tls);
    }
}

/// What the network says.
fn failed(error: io::Error) -> NoAnswer {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => NoAnswer::Late,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => NoAnswer::Closed,
        _ => NoAnswer::Network(error),
    }
}

/// What TLS says.
fn refused(error: Error, tls: &ClientConnection) -> NoAnswer {
    match error {
        Error::NoApplicationProtocol
        | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => NoAnswer::OtherProtocol,
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => NoAnswer::OldTls,
        // Before the first message that makes sense.
        Error::InvalidMessage(_) if tls.protocol_version().is_none() => NoAnswer::NoTls,
        other => NoAnswer::Tls(other),
    }
}

/// Whoever answers is whom we asked.
#[derive(Debug)]
struct Whoever;

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    /// All of TLS 1.3 (RFC 8446 section 4.2.3), and those of certificates alone: a server has to find one that it can.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
        ]
    }
}

/// Servers to be asked in tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::net::TcpListener;
    use std::thread;

    use rustls::ServerConnection;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::server::ServerConfig;

    use super::*;

    /// Made out to another name by nobody, and expired; see tests/data/README.md.
    const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/tls/certificate.pem");
    const KEY: &[u8] = include_bytes!("../../tests/data/tls/key.pem");

    /// A server of TLS for one connection; `talk` has it when it stands.
    pub(crate) fn serve(
        protocols: &[&[u8]],
        talk: impl FnOnce(&mut dyn ReadWrite) + Send + 'static,
    ) -> SocketAddr {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|of| of.to_vec()).collect();
        let config = Arc::new(config);
        serve_plain(move |mut stream| {
            let mut tls = ServerConnection::new(config).unwrap();
            // The other side may refuse: then there is nothing to talk about.
            let stands = tls.complete_io(&mut stream).is_ok() && !tls.is_handshaking();
            if stands {
                talk(&mut rustls::Stream::new(&mut tls, &mut stream));
                tls.send_close_notify();
            }
            let _ = tls.complete_io(&mut stream);
        })
    }

    /// A server without TLS for one connection.
    pub(crate) fn serve_plain(talk: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            // Whoever comes next is refused.
            drop(listener);
            talk(stream);
        });
        address
    }

    pub(crate) trait ReadWrite: Read + Write {}
    impl<T: Read + Write> ReadWrite for T {}
}

#[cfg(test)]
mod tests {
    use super::testing::{serve, serve_plain};
    use super::*;

    const PATIENCE: TimeDelta = TimeDelta::from_secs(20);

    fn ask_for(to: SocketAddr, length: usize, patience: TimeDelta) -> Result<Vec<u8>, NoAnswer> {
        let question = Question {
            to,
            name: "server.example",
            interface: None,
            protocol: b"one/1",
            bytes: b"what?",
        };
        ask(&question, patience, |answer, has_ended| {
            (answer.len() >= length || has_ended).then(|| answer.to_vec())
        })
    }

    #[test]
    fn an_answer_whoever_gives_it() {
        let to = serve(&[b"two/1", b"one/1"], |stream| {
            let mut asked = [0; 5];
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(&asked).unwrap();
            stream.write_all(b" that!").unwrap();
        });
        assert_eq!(ask_for(to, 11, PATIENCE).unwrap(), b"what? that!");
        // Cut off by its end.
        let to = serve(&[b"one/1"], |stream| stream.write_all(b"no").unwrap());
        assert_eq!(ask_for(to, 11, PATIENCE).unwrap(), b"no");
    }

    #[test]
    fn another_protocol_or_none() {
        for protocols in [&[&b"two/1"[..]][..], &[]] {
            let to = serve(protocols, |_| {});
            let told = ask_for(to, 1, PATIENCE);
            assert!(matches!(told, Err(NoAnswer::OtherProtocol)), "{told:?}");
        }
    }

    #[test]
    fn what_is_no_tls() {
        for said in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n<html>"[..],
            b"SSH-2.0-OpenSSH\r\n",
        ] {
            let to = serve_plain(move |mut stream| {
                stream.write_all(said).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let told = ask_for(to, 1, PATIENCE);
            assert!(matches!(told, Err(NoAnswer::NoTls)), "{told:?}");
        }
        let alert = b"\x15\x03\x03\0\x02\x02\x46";
        let to = serve_plain(move |mut stream| {
            stream.write_all(alert).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let told = ask_for(to, 1, PATIENCE);
        assert!(matches!(told, Err(NoAnswer::OldTls)), "{told:?}");
    }

    #[test]
    fn an_end_in_sight() {
        let closing = serve_plain(drop);
        let told = ask_for(closing, 1, PATIENCE);
        assert!(matches!(told, Err(NoAnswer::Closed)), "{told:?}");
        let refusing = closing;
        let told = ask_for(refusing, 1, PATIENCE);
        assert!(matches!(told, Err(NoAnswer::Refused)), "{told:?}");

        for (length, is_read) in [(60_000, true), (66_000, false)] {
            let long = vec![0; length];
            let to = serve(&[b"one/1"], move |stream| {
                let _ = stream.write_all(&long);
            });
            let told = ask_for(to, usize::MAX, PATIENCE);
            assert_eq!(told.is_ok_and(|all| all.len() == length), is_read);
        }
        let endless = serve(
            &[b"one/1"],
            |stream| {
                while stream.write_all(&[0; 1_000]).is_ok() {}
            },
        );
        let told = ask_for(endless, usize::MAX, PATIENCE);
        assert!(matches!(told, Err(NoAnswer::TooLong)), "{told:?}");

        let began = clock::counter();
        let patience = TimeDelta::from_millis(300);
        let silent = serve_plain(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let told = ask_for(silent, 1, patience);
        assert!(matches!(told, Err(NoAnswer::Late)), "{told:?}");
        let trickling = serve(&[b"one/1"], |stream| {
            while stream.write_all(&[0]).is_ok() {
                clock::sleep(TimeDelta::from_millis(20));
            }
        });
        let told = ask_for(trickling, usize::MAX, patience);
        assert!(matches!(told, Err(NoAnswer::Late)), "{told:?}");
        assert!(clock::counter().since(began) < TimeDelta::from_secs(10));
    }
}
