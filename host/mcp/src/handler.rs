//! The client's side of a connection: what it says of itself, and what it does
//! with what a server sends unasked.

use std::sync::Arc;

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationCapability,
        FormElicitationCapability, Implementation, ProtocolVersion,
    },
    service::{NotificationContext, RequestContext},
};
use tokio::sync::Notify;

use crate::answer::Elicitation;

/// The newest version that begins with `initialize`.
pub(crate) const OLDER: ProtocolVersion = ProtocolVersion::V_2025_11_25;
/// The version without a handshake.
pub(crate) const NEWER: ProtocolVersion = ProtocolVersion::V_2026_07_28;

#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) client: Implementation,
    pub(crate) elicitation: Elicitation,
    /// Told when the server says that its tools are others now.
    pub(crate) changed: Arc<Notify>,
}

/// What is left out, rmcp refuses: sampling is no method here, and there are no roots.
impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        // Who would only decline does not offer to be asked.
        if self.elicitation == Elicitation::FillIn {
            let form = FormElicitationCapability::new();
            capabilities.elicitation = Some(ElicitationCapability::new().with_form(form));
        }
        ClientConfig::new(capabilities, self.client.clone()).with_protocol_version(OLDER)
    }

    async fn create_elicitation(
        &self,
        question: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Ok(self.elicitation.answer(&question))
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}
