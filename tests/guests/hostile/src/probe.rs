//! What of the world a guest can see.

use std::{collections::BTreeMap, env, fs, hint::black_box, net::TcpStream, time::SystemTime};

use sickbay_plugin::{
    cluster,
    tool::wasi::http::{
        outgoing_handler,
        types::{Fields, OutgoingRequest, Scheme},
    },
};

use crate::{flood::random::wasi::random::random::get_random_bytes, lines};

/// Everything that an ordinary program has and a plugin has not.
pub(crate) fn environment() -> String {
    lines(&BTreeMap::from([
        ("variables", env::vars().count().to_string()),
        ("arguments", env::args().count().to_string()),
        ("root", fs::read_dir("/").is_ok().to_string()),
        ("here", fs::read_dir(".").is_ok().to_string()),
        ("passwd", fs::read("/etc/passwd").is_ok().to_string()),
        ("write", fs::write("/tmp/sickbay-guest", b"x").is_ok().to_string()),
        ("connect", TcpStream::connect("127.0.0.1:1").is_ok().to_string()),
        ("resolve", TcpStream::connect("example.com:80").is_ok().to_string()),
        ("stdin", std::io::stdin().lines().count().to_string()),
    ]))
}

/// A guest that goes on after a denial.
pub(crate) fn cluster_twice() -> String {
    let kinds: Vec<_> = (0..2).map(|_| cluster::info().map_err(|error| error.kind)).collect();
    format!("{kinds:?}")
}

pub(crate) fn http(host: &str) -> String {
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&Scheme::Https)).is_ok()
        && request.set_authority(Some(host)).is_ok()
        && request.set_path_with_query(Some("/v1")).is_ok();
    if !set {
        return "the request can not be made".to_owned();
    }
    match outgoing_handler::handle(request, None) {
        Ok(response) => {
            response.subscribe().block();
            match response.get() {
                Some(Ok(Ok(_))) => "answered".to_owned(),
                Some(Ok(Err(error))) => format!("{error:?}"),
                _ => "no answer".to_owned(),
            }
        }
        Err(error) => format!("{error:?}"),
    }
}

pub(crate) fn clock() -> String {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or_else(|error| error.to_string(), |since| since.as_millis().to_string())
}

pub(crate) fn random() -> String {
    format!("{:?}", get_random_bytes(16))
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "that is the point")]
pub(crate) fn print(text: &str) {
    println!("{text}");
    eprintln!("{text}");
}

#[expect(unsafe_code, reason = "that is the point")]
pub(crate) fn out_of_bounds() -> u8 {
    let far = black_box(0xffff_0000_usize) as *const u8;
    // SAFETY: none; the sandbox is what holds here.
    unsafe { far.read_volatile() }
}
