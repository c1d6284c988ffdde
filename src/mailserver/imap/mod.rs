//! IMAP sessions.

use std::sync::Arc;

use super::connection::Connection;
use super::server::Shared;

/// Serves one client to the end.
pub(super) async fn serve(_shared: &Arc<Shared>, connection: Connection) {
    connection.close().await;
}
