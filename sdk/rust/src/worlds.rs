//! One module per world: its trait, its types, and what it may import.
#![allow(
    unsafe_code,
    unreachable_pub,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated from wit/"
)]

/// Functions that a model or a pipeline may call. Implement [`Guest`](tool::Guest).
pub mod tool {
    #[doc(hidden)]
    pub mod bindings {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "tool",
            pub_export_macro: true,
            export_macro_name: "export_tool",
            default_bindings_module: "sickbay_plugin::tool::bindings",
            runtime_path: "sickbay_plugin::wit_bindgen::rt",
            with: {
                "sickbay:plugin/types@0.1.0": crate::bindings::sickbay::plugin::types,
                "sickbay:plugin/cluster@0.1.0": crate::bindings::sickbay::plugin::cluster,
                "sickbay:plugin/process@0.1.0": crate::bindings::sickbay::plugin::process,
                "wasi:logging/logging@0.1.0-draft": crate::bindings::wasi::logging::logging,
                "wasi:config/store@0.2.0-rc.1": crate::bindings::wasi::config::store,
            },
            generate_all,
        });
    }

    pub use self::bindings::exports::sickbay::plugin::tools::*;
    /// The standard interfaces that a tool may import: `http`, `filesystem` (the run's folder) and `keyvalue`.
    pub use self::bindings::wasi;
    pub use crate::types::{Effect, Error, ErrorKind, ObjectRef};
}

/// A strategy that finds out what is wrong with a cluster. Implement [`Guest`](diagnosis::Guest).
///
/// `describe` names in `reads` the kinds that it reads, as `apps/v1/Deployment`: a profile's least-privilege role is
/// made of them.
pub mod diagnosis {
    #[doc(hidden)]
    pub mod bindings {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "diagnosis",
            pub_export_macro: true,
            export_macro_name: "export_diagnosis",
            default_bindings_module: "sickbay_plugin::diagnosis::bindings",
            runtime_path: "sickbay_plugin::wit_bindgen::rt",
            additional_derives: [PartialEq, Clone],
            with: {
                "sickbay:plugin/types@0.1.0": crate::bindings::sickbay::plugin::types,
                "sickbay:plugin/cluster@0.1.0": crate::bindings::sickbay::plugin::cluster,
                "sickbay:plugin/model-types@0.1.0": crate::bindings::sickbay::plugin::model_types,
                "sickbay:plugin/model@0.1.0": crate::bindings::sickbay::plugin::model,
                "wasi:logging/logging@0.1.0-draft": crate::bindings::wasi::logging::logging,
                "wasi:config/store@0.2.0-rc.1": crate::bindings::wasi::config::store,
            },
        });
    }

    pub use self::bindings::exports::sickbay::plugin::diagnosis_strategy::*;
    pub use crate::types::{Error, ErrorKind, Evidence, ObjectRef};
}

/// A catalogue of actions, each of which becomes a plan. Implement [`Guest`](remediation::Guest).
///
/// An action declares what it reads and which changes it makes to which kinds; a plan that holds anything else is
/// refused by the host:
///
/// ```
/// use sickbay_plugin::remediation::{ActionAim, ActionSpec, ChangeNeed, ChangeVerb, Effect, Risk};
///
/// let action = ActionSpec {
///     name: "rollout-undo".into(),
///     description: "Takes a Deployment back to its earlier template".into(),
///     parameters: r#"{"type": "object", "additionalProperties": false, "required": ["name"],
///                     "properties": {"name": {"type": "string", "maxLength": 253}}}"#.into(),
///     risk: Risk::Medium,
///     reversible: true,
///     effect: Effect::Write,
///     aim: ActionAim::Cure,
///     reads: vec!["apps/v1/Deployment".into(), "apps/v1/ReplicaSet".into()],
///     changes: vec![ChangeNeed { verb: ChangeVerb::RolloutUndo, kinds: vec!["apps/v1/Deployment".into()] }],
/// };
/// # assert!(action.reversible);
/// ```
pub mod remediation {
    #[doc(hidden)]
    pub mod bindings {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "remediation",
            pub_export_macro: true,
            export_macro_name: "export_remediation",
            default_bindings_module: "sickbay_plugin::remediation::bindings",
            runtime_path: "sickbay_plugin::wit_bindgen::rt",
            additional_derives: [PartialEq, Clone],
            with: {
                "sickbay:plugin/types@0.1.0": crate::bindings::sickbay::plugin::types,
                "sickbay:plugin/cluster@0.1.0": crate::bindings::sickbay::plugin::cluster,
                "wasi:logging/logging@0.1.0-draft": crate::bindings::wasi::logging::logging,
                "wasi:config/store@0.2.0-rc.1": crate::bindings::wasi::config::store,
            },
        });
    }

    pub use self::bindings::exports::sickbay::plugin::remediation_actions::*;
    pub use crate::types::{Effect, Error, ErrorKind, Evidence, ObjectRef};
}

/// A codec between Sickbay's messages and one provider's wire format. Implement [`Guest`](provider::Guest) and
/// [`GuestDecoder`](provider::GuestDecoder).
pub mod provider {
    #[doc(hidden)]
    pub mod bindings {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "provider",
            pub_export_macro: true,
            export_macro_name: "export_provider",
            default_bindings_module: "sickbay_plugin::provider::bindings",
            runtime_path: "sickbay_plugin::wit_bindgen::rt",
            additional_derives: [PartialEq, Clone],
            with: {
                "sickbay:plugin/types@0.1.0": crate::bindings::sickbay::plugin::types,
                "sickbay:plugin/model-types@0.1.0": crate::bindings::sickbay::plugin::model_types,
                "wasi:logging/logging@0.1.0-draft": crate::bindings::wasi::logging::logging,
                "wasi:config/store@0.2.0-rc.1": crate::bindings::wasi::config::store,
            },
        });
    }

    pub use self::bindings::exports::sickbay::plugin::model_provider::*;
    pub use crate::{
        model_types::{Content, Image, Message, Role, Thinking, Tool, ToolCall, ToolChoice, ToolResult},
        types::{Error, ErrorKind},
    };
}
