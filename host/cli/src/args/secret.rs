//! What follows `sickbay secret`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a key, for one origin and nobody else
    Set(SecretSetArgs),
    /// Names, origins and times of what is kept; never the keys
    List,
    /// Forget a key
    Remove {
        /// As `sickbay secret list` shows it
        name: String,
    },
}

/// The key itself is read from stdin, or typed without being shown: on a
/// command line it would be seen by every user of the machine.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The key is read from stdin: sickbay secret set anthropic < key.txt. On a terminal it is asked for."
)]
pub(crate) struct SecretSetArgs {
    /// The name under which a provider looks for it: anthropic, openai, gemini
    pub name: String,
    /// The only origin that it goes to, in place of the provider's own: https://llm.example.com
    #[arg(long = "for", value_name = "ORIGIN")]
    pub audience: Option<String>,
    /// Keep it in the system's keyring: the macOS Keychain, or the Secret Service of a Linux desktop
    #[arg(long)]
    pub keyring: bool,
}
