//! One item at one location.
