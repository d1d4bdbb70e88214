//! The TCP connection under a socket of the feed.
//!
//! When a response ends before its request has, the server goes on reading for a while, so that a client in the middle
//! of a long upload gets to see the answer. The request of a WebSocket never ends by itself: there a client that has
//! said goodbye would wait all that time for the connection to end, which is the server's to do (RFC 6455, 7.1.1).

use std::any::Any;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use rustix::net::{Shutdown, shutdown};

/// A connection of the server's, for as long as it has it.
#[derive(Clone)]
pub struct Wire(Weak<OwnedFd>);

/// What a connection keeps for its requests: a second handle on itself.
struct Kept(Arc<OwnedFd>);

impl Wire {
    /// Keeps the wire of a new connection for its requests.
    pub fn keep(connection: &dyn Any, kept: &mut Extensions) {
        if let Some(stream) = connection.downcast_ref::<TcpStream>()
            && let Ok(wire) = stream.as_fd().try_clone_to_owned()
        {
            kept.insert(Kept(Arc::new(wire)));
        }
    }

    /// The wire that a request came over.
    pub fn of(request: &HttpRequest) -> Wire {
        Wire(request.conn_data::<Kept>().map_or_else(Weak::new, |kept| Arc::downgrade(&kept.0)))
    }

    /// Whether the server has done with it.
    pub fn has_ended(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// Takes nothing more from the client: the server writes what it still has to, and ends the connection.
    pub fn stop_reading(&self) {
        self.shut(Shutdown::Read);
    }

    /// Ends the connection, whatever is still to be written.
    pub fn cut(&self) {
        self.shut(Shutdown::Both);
    }

    fn shut(&self, how: Shutdown) {
        if let Some(wire) = self.0.upgrade() {
            // It may have ended on the client's side already.
            let _ = shutdown(&*wire, how);
        }
    }
}
