//! Programs of other authors against a three-node registry: EPP libraries (`tests/clients/`), Debian's `whois`, curl,
//! OpenSSL. `tests/run` installs them; where one is missing its test says SKIPPED.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tests::process::{Registry, das};

/// How long a name may take to reach every node of a busy machine.
const SPREAD_LIMIT: Duration = Duration::from_secs(30);

fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where a program is, or a loud word that a test is skipped.
fn tool(name: &str) -> Option<PathBuf> {
    if env::var_os("NAMINGO_QUICK").is_some() {
        println!("SKIPPED: foreign clients are left out of a quick run ({name})");
        return None;
    }
    let found = env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("SKIPPED: {name} is not installed; run tests/run");
    }
    found
}

/// The Python with the EPP libraries that `tests/run` installs.
fn python(module: &str) -> Option<PathBuf> {
    tool("python3")?;
    let python = beside(".venv/bin/python");
    let has = Command::new(&python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    if has.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    println!("SKIPPED: {module} is not installed in tests/.venv; run tests/run");
    None
}

/// What a program printed; it must have succeeded.
fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    said.into_owned()
}

/// Runs an EPP client at node 2, then asks every node for the name that it registered.
fn registers(label: &str, command: impl FnOnce(&str, &Path) -> Command) {
    let registry = Registry::start(3, 0);
    let port = registry.at(2, 7700).port().to_string();
    let authority = registry.data_dir.join("node-2/ca.crt");
    let said = output(&mut command(&port, &authority));
    assert_eq!(said.lines().last(), Some("passed"), "{said}");
    let registered = Instant::now();
    let name = format!("{label}.test");
    for node in registry.nodes() {
        is_public(&registry, node, &name, registered);
    }
    println!("{name}: answered by every node {} ms after the last command", registered.elapsed().as_millis());
}

/// WHOIS, RDAP and DAS of a node answer the name, each asked through its usual program.
fn is_public(registry: &Registry, node: u64, name: &str, registered: Instant) {
    while das(registry.at(node, 7044), &[name.to_owned()]).unwrap() != ["registered"] {
        assert!(registered.elapsed() < SPREAD_LIMIT, "DAS of node {node} does not know {name}");
        sleep(Duration::from_millis(1));
    }
    if let Some(whois) = tool("whois") {
        let port = registry.at(node, 7043).port().to_string();
        let said = output(Command::new(whois).args(["-h", "127.0.0.1", "-p", &port, name]));
        for line in [
            format!("Domain Name: {name}"),
            "Registrar: Registrar Alpha (demonstration)".to_owned(),
            format!("Name Server: ns1.{}", name.replace(".test", ".invalid")),
        ] {
            assert!(said.lines().any(|have| have == line), "{line} in WHOIS of node {node}:\n{said}");
        }
        assert!(!said.contains("Person r") && !said.contains("Example Way"), "personal data in\n{said}");
    }
    if let Some(curl) = tool("curl") {
        rdap(&curl, registry, node, name);
    }
}

fn rdap(curl: &Path, registry: &Registry, node: u64, name: &str) {
    let url = |path: &str| format!("http://{}/{path}", registry.at(node, 7080));
    let curl = || {
        let mut command = Command::new(curl);
        command.args(["--silent", "--show-error", "--max-time", "30"]);
        command
    };
    let body = output(
        curl().args(["--fail", "--write-out", "\n%{content_type}"]).arg(url(&format!("domain/{name}"))),
    );
    let (json, media) = body.rsplit_once('\n').unwrap();
    assert_eq!(media, "application/rdap+json");
    let answer: serde_json::Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
    assert_eq!(answer["objectClassName"], "domain");
    assert_eq!(answer["ldhName"], name);
    assert!(!json.contains("Person r") && !json.contains("Example Way"), "personal data in\n{json}");
    let head = output(curl().args(["--fail", "--head"]).arg(url(&format!("domain/{name}"))));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    assert!(
        head.contains(&format!("content-length: {}", json.len())),
        "HEAD tells the length of GET: {head}"
    );
    let absent =
        output(curl().args(["--output", "/dev/null", "--write-out", "%{http_code}", &url("domain/no.test")]));
    assert_eq!(absent, "404");
}

#[test]
fn net_epp_registers_a_domain() {
    let Some(perl) = tool("perl") else { return };
    let loads = Command::new(&perl).args(["-MNet::EPP::Simple", "-e", "1"]).stderr(Stdio::null()).status();
    if !loads.is_ok_and(|status| status.success()) {
        println!("SKIPPED: Net::EPP is not installed (libnet-epp-perl); run tests/run");
        return;
    }
    registers("netepp", |port, authority| {
        let mut command = Command::new(perl);
        command.arg(beside("clients/with_net_epp.pl")).args(["localhost", port, "alpha", "alpha-secret"]);
        command.arg(authority).arg("netepp");
        command
    });
}

#[test]
fn pyepp_registers_a_domain() {
    let Some(python) = python("pyepp") else { return };
    registers("pyepp", |port, authority| {
        let mut command = Command::new(python);
        command.arg(beside("clients/with_pyepp.py")).args([
            "localhost",
            port,
            "alpha",
            "alpha-secret",
            "pyepp",
        ]);
        command.env("SSL_CERT_FILE", authority);
        command
    });
}

#[test]
fn epptools_registers_a_domain() {
    let Some(python) = python("epptools") else { return };
    registers("epptools", |port, authority| {
        let mut command = Command::new(python);
        command.arg(beside("clients/with_epptools.py")).args(["localhost", port, "alpha", "alpha-secret"]);
        command.arg(authority).arg("epptools");
        command
    });
}

#[test]
fn a_client_that_trusts_another_authority_does_not_connect() {
    let Some(python) = python("epptools") else { return };
    let registry = Registry::start(1, 0);
    let port = registry.at(1, 7700).port().to_string();
    let stranger = Registry::start(1, 0);
    let run = Command::new(python)
        .arg(beside("clients/with_epptools.py"))
        .args(["localhost", &port, "alpha", "alpha-secret"])
        .arg(stranger.data_dir.join("node-1/ca.crt"))
        .arg("nobody")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(!run.status.success() && said.contains("certificate verify failed"), "{said}");
}

/// What `openssl s_client` sees with one version of TLS: everything it prints until the greeting, or its end.
fn greeting(openssl: &Path, registry: &Registry, version: &str) -> String {
    let at = registry.at(1, 7700).to_string();
    let mut command = Command::new(openssl);
    command.args(["s_client", "-connect", &at, version, "-verify_return_error", "-servername", "localhost"]);
    command.arg("-CAfile").arg(registry.data_dir.join("node-1/ca.crt"));
    // without it OpenSSL itself would not offer TLS 1.1
    command.args(["-cipher", "DEFAULT@SECLEVEL=0"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // the connection stays open as long as its input does, so the greeting has time to come
    let input = child.stdin.take();
    let mut seen = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    let mut chunk = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("</epp>") {
        match std::io::Read::read(&mut stdout, &mut chunk).unwrap() {
            0 => break,
            n => seen.extend_from_slice(&chunk[..n]),
        }
    }
    drop(input);
    drop(stdout);
    let errors = child.wait_with_output().unwrap().stderr;
    String::from_utf8_lossy(&seen).into_owned() + &String::from_utf8_lossy(&errors)
}

#[test]
fn openssl_gets_the_greeting_over_tls_1_2_and_1_3_only() {
    let Some(openssl) = tool("openssl") else { return };
    let registry = Registry::start(1, 0);
    for (version, protocol) in [("-tls1_2", "New, TLSv1.2"), ("-tls1_3", "New, TLSv1.3")] {
        let seen = greeting(&openssl, &registry, version);
        assert!(seen.contains(protocol), "{seen}");
        assert!(seen.contains("<svID>dev node 1</svID>"), "{seen}");
        assert!(seen.contains("Verification: OK"), "{seen}");
    }
    let seen = greeting(&openssl, &registry, "-tls1_1");
    assert!(!seen.contains("<greeting>") && seen.contains("alert"), "the server refuses TLS 1.1: {seen}");
}
