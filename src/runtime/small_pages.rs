//! Memory in small pages while a start fills it.
//!
//! Huge pages make look-ups in large tables faster, and the allocator asks for them. But a start needs gigabytes at once, and
//! on a virtual machine whose host takes back what is free, a huge page is mostly one that the host has to find first: 2.5 GB
//! took 3 to 6 s there, and in small pages, of which the guest has enough at hand, 0.9 s. Where the host has given all memory
//! for good it is the other way round, but only 0.3 against 0.9 s. So a start that loads a snapshot takes small ones; what is
//! allocated afterwards is in huge ones again, and the kernel joins the small ones in its own time.

/// Until this is dropped, the process gets its new memory in small pages.
#[derive(Debug)]
pub struct SmallPages {
    /// Whoever started the program wanted none at all, or the system has no such switch.
    is_unchanged: bool,
}

impl SmallPages {
    /// Begins to.
    #[cfg(target_os = "linux")]
    pub fn begin() -> SmallPages {
        use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};
        let is_unchanged = transparent_huge_pages_are_disabled().unwrap_or(true)
            || disable_transparent_huge_pages(true).is_err();
        SmallPages { is_unchanged }
    }

    /// There is no such switch.
    #[cfg(not(target_os = "linux"))]
    pub fn begin() -> SmallPages {
        SmallPages { is_unchanged: true }
    }
}

impl Drop for SmallPages {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if !self.is_unchanged
            && let Err(error) = rustix::thread::disable_transparent_huge_pages(false)
        {
            tracing::warn!(%error, "memory stays in small pages: look-ups in large tables are slower");
        }
    }
}
