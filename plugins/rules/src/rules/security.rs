//! Rules of this area are being written; it finds nothing yet.

use crate::{context::Context, findings::Findings};

pub(super) fn check(_context: &Context<'_>, _findings: &mut Findings) {}
