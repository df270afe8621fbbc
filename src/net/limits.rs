//! What a stranger, or a friend that fails, may cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long things may take, and how large they may become.
///
/// ```
/// use forkproof::NetLimits;
/// use std::time::Duration;
///
/// let limits = NetLimits::default().message_bytes(1 << 20).handshake(Duration::from_secs(2));
/// # let _ = limits;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetLimits {
    pub(super) connect: Duration,
    pub(super) handshake: Duration,
    pub(super) silence: Duration,
    pub(super) message_bytes: usize,
    pub(super) strangers: usize,
}

impl NetLimits {
    /// How long connecting may take, without the handshake and the look-up of a computer's name: 10 seconds unless set.
    pub fn connect(mut self, limit: Duration) -> NetLimits {
        self.connect = limit;
        self
    }

    /// How long a handshake may take: 10 seconds unless set.
    pub fn handshake(mut self, limit: Duration) -> NetLimits {
        self.handshake = limit;
        self
    }

    pub(crate) fn handshake_time(&self) -> Duration {
        self.handshake
    }

    /// How long the other computer may show no sign of life: a minute unless set, in whole seconds, at least 2. The
    /// kernel asks for one on an idle connection, and a living computer's kernel answers, whatever its processes do. So
    /// this is how long one is believed alive that lost its power or its network. (A process that ends is known of at
    /// once.) For TCP only.
    pub fn silence(mut self, limit: Duration) -> NetLimits {
        self.silence = limit;
        self
    }

    /// How many bytes a message may have: 64 MiB unless set; never more than 32 bits can count. Each connection takes
    /// memory for one message that arrives, as it arrives, and for what waits to be sent.
    pub fn message_bytes(mut self, limit: usize) -> NetLimits {
        self.message_bytes = limit.min(u32::MAX as usize - 1);
        self
    }

    /// How many handshakes may be in progress at a listener: 64 unless set, at least 1. When one more comes, the oldest
    /// is given up.
    pub fn strangers(mut self, limit: usize) -> NetLimits {
        self.strangers = limit.max(1);
        self
    }
}

impl Default for NetLimits {
    fn default() -> NetLimits {
        NetLimits {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            message_bytes: 64 << 20,
            strangers: 64,
        }
    }
}
