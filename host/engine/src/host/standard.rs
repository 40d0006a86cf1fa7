//! The standard interfaces that most toolchains import whether they use them
//! or not: present, and empty. No arguments, no environment, no sockets, no
//! standard input, and no folder but a granted workspace; standard output goes
//! into the bounded log; the wall clock stands still at the call's time.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use sickbay_core::outside::LogLevel;
use tokio::io::{self, AsyncWrite};
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder,
    cli::{IsTerminal, StdoutStream},
    clocks::HostWallClock,
    p2::{OutputStream, Pollable, StreamResult},
};

use super::files::{self, FileRules};
use crate::{meter::Meter, outside::Outside};

/// Bytes of one line of standard output; longer lines are logged in parts.
const LINE: usize = 4 * 1024;

pub(crate) fn context(now_ms: i64, outside: &Arc<dyn Outside>, meter: &Arc<Meter>) -> (WasiCtx, FileRules) {
    let console = |name, level| Console {
        name,
        level,
        outside: Arc::clone(outside),
        meter: Arc::clone(meter),
        line: Vec::new(),
    };
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(console("stdout", LogLevel::Info))
        .stderr(console("stderr", LogLevel::Warn))
        .wall_clock(Still(Duration::from_millis(u64::try_from(now_ms).unwrap_or_default())))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    let rules = match outside.workspace().map(|workspace| files::open(&mut builder, &workspace)) {
        Some(Ok(rules)) => rules,
        Some(Err(why)) => {
            if meter.may_log(why.len()) {
                outside.log(LogLevel::Error, "workspace", &why);
            }
            FileRules::default()
        }
        None => FileRules::default(),
    };
    (builder.build(), rules)
}

/// A wall clock that stands still.
struct Still(Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

/// Standard output or error, line by line into the log.
#[derive(Clone)]
struct Console {
    name: &'static str,
    level: LogLevel,
    outside: Arc<dyn Outside>,
    meter: Arc<Meter>,
    line: Vec<u8>,
}

impl Console {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LINE) {
                self.line.extend_from_slice(piece);
                if self.line.ends_with(b"\n") || self.line.len() >= LINE {
                    self.emit();
                }
            }
        }
    }

    fn emit(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end_matches(['\r', '\n']);
        if !line.is_empty() && self.meter.may_log(self.name.len() + line.len()) {
            self.outside.log(self.level, self.name, line);
        }
        self.line.clear();
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.emit();
    }
}

impl IsTerminal for Console {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Console {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Console {
    async fn ready(&mut self) {}
}

impl OutputStream for Console {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

impl AsyncWrite for Console {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
