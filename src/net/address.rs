//! Where a listener listens: a port of this computer's network, or a path.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a listener listens.
///
/// ```
/// use forkproof::Address;
///
/// let address: Address = "127.0.0.1:50000".parse()?;
/// assert_eq!(address, Address::from(([127, 0, 0, 1], 50_000)));
/// assert_eq!("build-7:50000".parse(), Ok(Address::Host("build-7".to_owned(), 50_000)));
/// assert_eq!("/run/app/socket".parse(), Ok(Address::Unix("/run/app/socket".into())));
/// # Ok::<(), forkproof::NoAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Address {
    /// An internet address and a TCP port. Port 0 is for binding: the kernel chooses a free one.
    Tcp(SocketAddr),
    /// A computer's name and a TCP port. The name is looked up whenever it is bound or connected to, and each of the
    /// addresses that it stands for is tried.
    Host(String, u16),
    /// The path of a unix socket, on this computer. An empty one is a socket without a name, such as a client's.
    Unix(PathBuf),
}

/// The text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address: those are IP:PORT, [IPV6]:PORT, NAME:PORT, and paths with a '/'")]
pub struct NoAddress {
    pub text: String,
}

impl Address {
    /// The internet addresses to try, in order; none for a path.
    pub(super) fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        match self {
            Address::Tcp(address) => Ok(vec![*address]),
            Address::Host(name, port) => Ok((name.as_str(), *port).to_socket_addrs()?.collect()),
            Address::Unix(_) => Ok(Vec::new()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Host(name, port) => write!(f, "{name}:{port}"),
            Address::Unix(path) if path.as_os_str().is_empty() => f.write_str("a unix socket"),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Address, NoAddress> {
        if text.contains('/') && !text.contains('\0') {
            return Ok(Address::Unix(text.into()));
        }
        if let Ok(address) = text.parse() {
            return Ok(Address::Tcp(address));
        }
        let host = text.rsplit_once(':').and_then(|(name, port)| {
            let port = port.parse().ok()?;
            let is_name = !name.is_empty() && !name.contains(|c: char| ":[] \0".contains(c));
            is_name.then(|| Address::Host(name.to_owned(), port))
        });
        host.ok_or_else(|| NoAddress {
            text: text.to_owned(),
        })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Tcp(address)
    }
}

impl<I: Into<IpAddr>> From<(I, u16)> for Address {
    fn from((ip, port): (I, u16)) -> Address {
        Address::Tcp((ip.into(), port).into())
    }
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Address {
        Address::Unix(path)
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Address {
        Address::Unix(path.to_owned())
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Address {
        address.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read() {
        for text in [
            "127.0.0.1:0",
            "[::1]:7",
            "[fe80::1%3]:9",
            "build-7.example.org:50000",
            "/run/app",
            "./a socket",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in [
            "",
            ":7",
            "name",
            "name:",
            "name:65536",
            "a b:7",
            "::1:7",
            "[::1]",
            "a\0/b",
        ] {
            let told = text.parse::<Address>();
            assert_eq!(
                told,
                Err(NoAddress {
                    text: text.to_owned()
                })
            );
        }
    }
}
