//! Bindings to what the worlds share, generated once so that a type is the
//! same type in every world.
#![allow(
    unsafe_code,
    unreachable_pub,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated from wit/"
)]

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package sickbay:sdk;
        world shared {
            import wasi:logging/logging@0.1.0-draft;
            import wasi:config/store@0.2.0-rc.1;
            import sickbay:plugin/types@0.1.0;
            import sickbay:plugin/cluster@0.1.0;
            import sickbay:plugin/model-types@0.1.0;
            import sickbay:plugin/model@0.1.0;
            import sickbay:plugin/process@0.1.0;
        }
    ",
    world: "sickbay:sdk/shared",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq, Clone],
});
