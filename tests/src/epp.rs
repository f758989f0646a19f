//! A small EPP client: frames over TLS, one command at a time.

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    fmt,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

const EPP: &str = r#"<epp xmlns="urn:ietf:params:xml:ns:epp-1.0">"#;

/// An answer: its result code and its text.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: u16,
    pub xml: String,
}

impl Answer {
    /// The text of the first element with this local name.
    pub fn text(&self, element: &str) -> Option<&str> {
        let at = self.xml.find(&format!("{element}>")).or_else(|| self.xml.find(&format!("{element} ")))?;
        let rest = &self.xml[at..];
        let begin = rest.find('>')? + 1;
        let end = rest[begin..].find('<')? + begin;
        Some(rest[begin..end].trim())
    }
}

/// A session with a server.
pub struct Session {
    stream: StreamOwned<ClientConnection, TcpStream>,
    pub greeting: String,
    sent: u64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} commands)", self.sent)
    }
}

impl Session {
    /// Connects and reads the greeting.
    ///
    /// # Panics
    /// The server can't be reached.
    pub fn open(at: SocketAddr) -> Session {
        Session::try_open(at).unwrap_or_else(|e| panic!("EPP at {at}: {e}"))
    }

    /// # Errors
    /// The server can't be reached.
    pub fn try_open(at: SocketAddr) -> io::Result<Session> {
        Session::over(TcpStream::connect_timeout(&at, Duration::from_secs(5))?)
    }

    /// A session from another address of this machine, as that of somebody else.
    ///
    /// # Errors
    /// The server can't be reached.
    pub fn try_open_from(source: Ipv4Addr, at: SocketAddr) -> io::Result<Session> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddr::from((source, 0)))?;
        connect(&socket, &at)?;
        Session::over(TcpStream::from(socket))
    }

    /// Speaks TLS and reads the greeting.
    fn over(tcp: TcpStream) -> io::Result<Session> {
        tcp.set_read_timeout(Some(Duration::from_secs(40)))?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let tls = ClientConnection::new(trusting(), name).map_err(io::Error::other)?;
        let mut session = Session { stream: StreamOwned::new(tls, tcp), greeting: String::new(), sent: 0 };
        session.greeting = session.receive()?;
        Ok(session)
    }

    /// The certificate (DER) that the server showed.
    pub fn certificate(&self) -> Vec<u8> {
        let shown = self.stream.conn.peer_certificates().and_then(|chain| chain.first());
        shown.map_or_else(Vec::new, |certificate| certificate.to_vec())
    }

    /// Logs in with everything that the greeting offers.
    ///
    /// # Panics
    /// It is refused.
    pub fn login(&mut self, registrar: &str, password: &str) {
        let answer = self.try_login(registrar, password).expect("an answer to login");
        assert_eq!(answer.code, 1000, "login of {registrar}: {}", answer.xml);
    }

    /// # Errors
    /// The connection.
    pub fn try_login(&mut self, registrar: &str, password: &str) -> io::Result<Answer> {
        let uris = |tag: &str| -> String {
            let open = format!("<{tag}>");
            let all = self.greeting.split(&open).skip(1);
            all.filter_map(|rest| rest.split('<').next()).map(|uri| format!("<{tag}>{uri}</{tag}>")).collect()
        };
        let (objects, extensions) = (uris("objURI"), uris("extURI"));
        self.command(&format!(
            "<login><clID>{registrar}</clID><pw>{password}</pw><options><version>1.0</version><lang>en</lang></options>\
             <svcs>{objects}<svcExtension>{extensions}</svcExtension></svcs></login>"
        ))
    }

    /// Sends the inside of a `<command>` and reads the answer.
    ///
    /// # Errors
    /// The connection: the outcome may be unknown.
    pub fn command(&mut self, verb: &str) -> io::Result<Answer> {
        self.sent += 1;
        let frame = format!("{EPP}<command>{verb}<clTRID>test-{}</clTRID></command></epp>", self.sent);
        self.send(frame.as_bytes())?;
        let xml = self.receive()?;
        let code = xml.split("code=\"").nth(1).and_then(|rest| rest.get(..4)?.parse().ok());
        Ok(Answer { code: code.unwrap_or(0), xml })
    }

    /// Creates a domain without contacts and name servers.
    ///
    /// # Errors
    /// The connection: the outcome may be unknown.
    pub fn create(&mut self, name: &str) -> io::Result<Answer> {
        self.command(&format!(
            "<create><domain:create xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"><domain:name>{name}</domain:name>\
             <domain:authInfo><domain:pw/></domain:authInfo></domain:create></create>"
        ))
    }

    /// Asks for a domain.
    ///
    /// # Errors
    /// The connection.
    pub fn info(&mut self, name: &str) -> io::Result<Answer> {
        self.command(&format!(
            "<info><domain:info xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"><domain:name>{name}</domain:name>\
             </domain:info></info>"
        ))
    }

    /// Checks a domain; whether it can be registered.
    ///
    /// # Errors
    /// The connection, or an answer without a verdict.
    pub fn is_free(&mut self, name: &str) -> io::Result<bool> {
        let answer = self.command(&format!(
            "<check><domain:check xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\"><domain:name>{name}</domain:name>\
             </domain:check></check>"
        ))?;
        let verdict = answer.xml.split("avail=\"").nth(1).and_then(|rest| rest.chars().next());
        match verdict {
            Some('1' | 't') => Ok(true),
            Some('0' | 'f') => Ok(false),
            _ => Err(io::Error::other(format!("no verdict in {}", answer.xml))),
        }
    }

    /// Sends octets as they are, without a length before them.
    ///
    /// # Errors
    /// The connection.
    pub fn send_raw(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)?;
        self.stream.flush()
    }

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// The connection.
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len() + 4).map_err(io::Error::other)?;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        self.stream.write_all(&bytes)?;
        self.stream.flush()
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// The connection.
    pub fn receive(&mut self) -> io::Result<String> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = (u32::from_be_bytes(length) as usize).saturating_sub(4);
        if length > 16 << 20 {
            return Err(io::Error::other(format!("a frame of {length} octets")));
        }
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        String::from_utf8(frame).map_err(io::Error::other)
    }
}

/// Trusts whatever certificate the server shows: the tests know where they connect.
fn trusting() -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
