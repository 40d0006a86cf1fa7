//! Why a file can not be a plugin of this host, each with what to do about it.

/// Why a file can not be a plugin of this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is {size} bytes large, over the {allowed} that a plugin may have")]
    TooLarge { size: u64, allowed: u64 },
    #[error("the file is native code, not a WebAssembly component")]
    Native,
    #[error("the file is text, not a WebAssembly component")]
    Text,
    #[error("the file is no WebAssembly component")]
    NotWasm,
    #[error("the file is a core WebAssembly module, not a component")]
    CoreModule,
    #[error("the component is cut off or damaged: {message}")]
    Broken { message: String },
    #[error("the component has more than {allowed} components inside each other")]
    TooDeep { allowed: usize },
    #[error("the component has more than {allowed} imports or exports")]
    TooMany { allowed: usize },
    #[error("the component has no `sickbay:plugin` section")]
    NoManifest,
    #[error("the component has more than one `sickbay:plugin` section, and they differ")]
    ManifestTwice,
    #[error("the `sickbay:plugin` section can not be read: {message}")]
    BadManifest { message: String },
    #[error("the interface version `{text}` is not of the form `1.2.3`")]
    BadVersion { text: String },
    #[error("the plugin lies about its version: it says `{declared}`, but has `{name}`, which is `{actual}`")]
    Lies { declared: String, actual: String, name: String },
    #[error("the plugin speaks `sickbay:plugin` {plugin}, and this host speaks {host}")]
    Version { plugin: String, host: String, newer: bool },
    #[error("the plugin imports what this host does not have: {}", list(names))]
    UnknownImports { names: Vec<String> },
    #[error("the component exports no interface of `sickbay:plugin`")]
    NoKind { exports: Vec<String> },
}

impl InspectError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        const BUILD: &str =
            "build the plugin with `cargo build --release --target wasm32-wasip2` and take the .wasm file";
        Some(match self {
            Self::Empty | Self::Broken { .. } => "get the file again; the download may have been cut off".to_owned(),
            Self::Text | Self::NotWasm => BUILD.to_owned(),
            Self::Native => {
                "give the .wasm file; compiled code (.cwasm, ELF) is only ever loaded from sickbay's own cache".to_owned()
            }
            Self::CoreModule => format!("{BUILD}; a module of another target can be wrapped with `wasm-tools component new`"),
            Self::NoManifest | Self::ManifestTwice | Self::BadManifest { .. } | Self::BadVersion { .. } => {
                "the SDKs write this section, once: in Rust with `sickbay_plugin::plugin!`".to_owned()
            }
            Self::Lies { .. } => "build the plugin with one version of the SDK".to_owned(),
            Self::Version { newer: true, .. } => "update sickbay, or install an older version of the plugin".to_owned(),
            Self::Version { newer: false, .. } => "install a newer version of the plugin, or build it with a newer SDK".to_owned(),
            Self::UnknownImports { .. } => {
                "a plugin may import what its world lists and the parts of WASI 0.2 that `ARCHITECTURE.md` names".to_owned()
            }
            Self::NoKind { exports } if exports.is_empty() => {
                "a plugin exports one of `model-provider`, `tools`, `diagnosis-strategy` and `remediation-actions`".to_owned()
            }
            Self::NoKind { exports } => format!(
                "it exports {}; a plugin exports one of `model-provider`, `tools`, `diagnosis-strategy` and `remediation-actions`",
                list(exports)
            ),
            Self::TooLarge { .. } | Self::TooDeep { .. } | Self::TooMany { .. } => return None,
        })
    }
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(8) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// Refuses what is not wasm at all, by its first bytes.
pub(super) fn not_wasm(bytes: &[u8]) -> Result<(), InspectError> {
    /// Beginnings of native files: ELF, Mach-O both ways and fat, PE.
    const NATIVE: &[&[u8]] = &[
        b"\x7fELF",
        b"\xcf\xfa\xed\xfe",
        b"\xfe\xed\xfa\xcf",
        b"\xca\xfe\xba\xbe",
        b"MZ",
        b"sickbay-native-",
    ];
    if bytes.is_empty() {
        return Err(InspectError::Empty);
    }
    if bytes.starts_with(b"\0asm") {
        return Ok(());
    }
    if NATIVE.iter().any(|head| bytes.starts_with(head)) {
        return Err(InspectError::Native);
    }
    let head = bytes.get(..1_024).unwrap_or(bytes);
    let is_text = !head.contains(&0)
        && match std::str::from_utf8(head) {
            Ok(_) => true,
            // A character cut in two by the end of the head.
            Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
        };
    Err(if is_text { InspectError::Text } else { InspectError::NotWasm })
}
