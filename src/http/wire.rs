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
use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};

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

    /// Keeps the connection open after the server has done with it, so that a client that still says something does not
    /// lose what it has not read yet: the system answers what comes to a closed connection with a reset.
    pub fn hold(&self) -> Option<Held> {
        self.0.upgrade().map(Held)
    }

    fn shut(&self, how: Shutdown) {
        if let Some(wire) = self.0.upgrade() {
            // It may have ended on the client's side already.
            let _ = shutdown(&*wire, how);
        }
    }
}

/// A connection that is kept open.
pub struct Held(Arc<OwnedFd>);

/// Bytes read at a time of what a client still says, and how often at a time: as much as a client may send in a second.
const PIECE_BYTES: usize = 4_096;
const PIECES_MAX: usize = 64;

impl Held {
    /// Whether the client has ended the connection. What it said is passed over, once the server reads it no more.
    pub fn has_ended(&self) -> bool {
        if Arc::strong_count(&self.0) > 1 {
            return false;
        }
        let mut piece = [0; PIECE_BYTES];
        for _ in 0..PIECES_MAX {
            match recv(&*self.0, &mut piece[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) => return true,
                Ok(_) => {}
                Err(Errno::AGAIN | Errno::INTR) => return false,
                Err(_) => return true,
            }
        }
        false
    }
}
