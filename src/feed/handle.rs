//! What the sockets' side holds of the feed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use compact_str::CompactString;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::queue::{QueueLimits, SocketQueue};
use super::request::Subscribe;
use super::tickets::{IssuedTicket, Tickets, TicketsFull};
use crate::auth::Principal;
use crate::config::FeedConfig;
use crate::domain::ids::TenantNumber;
use crate::runtime::Tower;

/// What sockets ask of the hub and waits there; a socket whose request finds no place waits itself.
const COMMANDS_WAITING_MAX: usize = 1_024;

/// Who looks at a socket.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub principal: Principal,
    pub tenant: TenantNumber,
    /// The id of the key that it showed, if any: without that key its sockets end.
    pub key: Option<CompactString>,
}

/// A socket's number at the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId(u64);

/// A place among the sockets that may be open; given back when it is dropped.
pub struct Seat {
    _permit: OwnedSemaphorePermit,
}

/// What sockets ask of the hub.
pub(super) enum Command {
    Open { socket: SocketId, viewer: Viewer, queue: Arc<SocketQueue> },
    Subscribe { socket: SocketId, wish: Subscribe },
    Unsubscribe { socket: SocketId, id: String },
}

/// What the sockets' side holds of the feed.
#[derive(Clone)]
pub struct FeedHandle {
    shared: Arc<HandleShared>,
}

struct HandleShared {
    config: FeedConfig,
    commands: mpsc::Sender<Command>,
    seats: Arc<Semaphore>,
    next_socket: AtomicU64,
    tickets: Mutex<Tickets<Viewer>>,
    tower: Arc<Tower>,
}

impl FeedHandle {
    /// A handle, and where the hub hears what is asked through it.
    pub(super) fn new(tower: Arc<Tower>, config: FeedConfig) -> (FeedHandle, mpsc::Receiver<Command>) {
        let (commands, told) = mpsc::channel(COMMANDS_WAITING_MAX);
        let shared = HandleShared {
            commands,
            seats: Arc::new(Semaphore::new(config.sockets_max)),
            next_socket: AtomicU64::new(0),
            tickets: Mutex::new(Tickets::new(
                Duration::from_secs(config.ticket_ttl_s),
                config.tickets_per_principal_max,
            )),
            tower,
            config,
        };
        (FeedHandle { shared: Arc::new(shared) }, told)
    }

    /// The feed's limits.
    pub fn config(&self) -> &FeedConfig {
        &self.shared.config
    }

    /// The tower behind it.
    pub fn tower(&self) -> &Tower {
        &self.shared.tower
    }

    /// A place for one more socket, if there is one.
    pub fn take_seat(&self) -> Option<Seat> {
        self.shared.seats.clone().try_acquire_owned().ok().map(|permit| Seat { _permit: permit })
    }

    /// A queue for a new socket.
    pub fn new_queue(&self) -> Arc<SocketQueue> {
        let config = &self.shared.config;
        Arc::new(SocketQueue::new(QueueLimits {
            frames_max: config.socket_queue_frames_max,
            bytes_max: config.socket_queue_bytes_max,
            states_max: config.socket_queue_states_max,
            state_interval: Duration::from_millis(config.state_interval_ms),
        }))
    }

    /// Tells the hub of a new socket; its hello comes through the queue. The hub forgets the socket once the queue has
    /// ended.
    pub async fn open(&self, viewer: Viewer, queue: Arc<SocketQueue>) -> SocketId {
        let socket = SocketId(self.shared.next_socket.fetch_add(1, Ordering::Relaxed));
        self.tell(Command::Open { socket, viewer, queue }).await;
        socket
    }

    /// Subscribes; what comes of it comes through the queue.
    pub async fn subscribe(&self, socket: SocketId, wish: Subscribe) {
        self.tell(Command::Subscribe { socket, wish }).await;
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, socket: SocketId, id: String) {
        self.tell(Command::Unsubscribe { socket, id }).await;
    }

    async fn tell(&self, command: Command) {
        // The hub only ends with the process.
        let _ = self.shared.commands.send(command).await;
    }

    /// Makes a ticket with which its bearer can open one socket as this viewer.
    ///
    /// # Errors
    /// [`TicketsFull`]
    pub fn issue_ticket(&self, viewer: Viewer) -> Result<IssuedTicket, TicketsFull> {
        let owner = format!("{} {}", viewer.tenant.0, viewer.principal.name);
        self.shared.tickets.lock().issue(owner, viewer, Instant::now())
    }

    /// Whom a ticket stands for; it is used up by that.
    pub fn redeem_ticket(&self, ticket: &str) -> Option<Viewer> {
        self.shared.tickets.lock().redeem(ticket, Instant::now())
    }
}
