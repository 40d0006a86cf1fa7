//! The host's side of `wit/`: traits for what guests import, and callers for
//! what they export. Types are generated once, with the imports, and shared by
//! the four worlds.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "generated from wit/"
)]

pub(crate) mod imports {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package sickbay:host;
            world imports {
                import wasi:logging/logging@0.1.0-draft;
                import wasi:config/store@0.2.0-rc.1;
                import wasi:keyvalue/store@0.2.0-draft;
                import sickbay:plugin/types@0.1.0;
                import sickbay:plugin/cluster@0.1.0;
                import sickbay:plugin/model-types@0.1.0;
                import sickbay:plugin/model@0.1.0;
                import sickbay:plugin/process@0.1.0;
            }
        ",
        world: "sickbay:host/imports",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": crate::host::kv::Bucket },
        require_store_data_send: true,
    });
}

pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package sickbay:host; world tool { export sickbay:plugin/tools@0.1.0; }",
        world: "sickbay:host/tool",
        exports: { default: async },
        with: { "sickbay:plugin/types": super::imports::sickbay::plugin::types },
        require_store_data_send: true,
    });
}

pub(crate) mod diagnosis {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package sickbay:host; world diagnosis { export sickbay:plugin/diagnosis-strategy@0.1.0; }",
        world: "sickbay:host/diagnosis",
        exports: { default: async },
        with: { "sickbay:plugin/types": super::imports::sickbay::plugin::types },
        require_store_data_send: true,
    });
}

pub(crate) mod remediation {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package sickbay:host; world remediation { export sickbay:plugin/remediation-actions@0.1.0; }",
        world: "sickbay:host/remediation",
        exports: { default: async },
        with: { "sickbay:plugin/types": super::imports::sickbay::plugin::types },
        require_store_data_send: true,
    });
}

pub(crate) mod provider {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package sickbay:host; world provider { export sickbay:plugin/model-provider@0.1.0; }",
        world: "sickbay:host/provider",
        exports: { default: async },
        with: {
            "sickbay:plugin/types": super::imports::sickbay::plugin::types,
            "sickbay:plugin/model-types": super::imports::sickbay::plugin::model_types,
        },
        require_store_data_send: true,
    });
}

pub(crate) use imports::sickbay::plugin::{model_types, types};
