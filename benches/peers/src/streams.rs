//! Ways for bytes to go from one process to another.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use forkproof::{ByteQueue, Queue};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, bytes_channel};
use serde_bytes::ByteBuf;

/// Puts a message.
pub type Put = Box<dyn FnMut(&[u8])>;
/// Gets one, as long as the place for it.
pub type Get = Box<dyn FnMut(&mut [u8])>;

/// Made before the processes are forked that use it. Each message has the size that it was made for.
pub trait Stream: Clone + Send + 'static {
    fn new(size: usize, ahead: Ahead) -> Self;
    /// Called in the process that puts.
    fn putter(&self) -> Put;
    /// Called in the one that gets.
    fn getter(&self) -> Get;
}

/// How far whoever puts may be ahead, where a peer lets one say so.
#[derive(Clone, Copy, PartialEq)]
pub enum Ahead {
    One,
    Far,
}

/// Far: this many messages, or this many bytes if that is more.
const MESSAGES: usize = 4;
const BYTES: usize = 1 << 20;

impl Ahead {
    /// Room for that.
    pub fn bytes(self, size: usize) -> usize {
        match self {
            Ahead::One => size,
            Ahead::Far => BYTES.max(MESSAGES * size),
        }
    }

    /// The same of our ring, where a message takes half of it at most, and some bytes beside its own.
    pub fn ring_bytes(self, size: usize) -> usize {
        let record = size + 64;
        self.bytes(record).max(2 * record)
    }
}

#[derive(Clone)]
pub struct OurBytes(ByteQueue);

impl Stream for OurBytes {
    fn new(size: usize, ahead: Ahead) -> Self {
        let items = (ahead == Ahead::One).then_some(1);
        OurBytes(ByteQueue::with_capacity(items, ahead.ring_bytes(size)).expect("there is memory"))
    }

    fn putter(&self) -> Put {
        let queue = self.0.clone();
        Box::new(move |message| queue.put(message).expect("it is open"))
    }

    fn getter(&self) -> Get {
        let queue = self.0.clone();
        Box::new(move |into| {
            let bytes = queue.get_into(into).expect("it is open");
            assert_eq!(bytes, into.len());
        })
    }
}

/// Values, as which serde writes the bytes.
#[derive(Clone)]
pub struct Ours(Queue<ByteBuf>);

impl Stream for Ours {
    fn new(size: usize, ahead: Ahead) -> Self {
        let items = (ahead == Ahead::One).then_some(1);
        Ours(Queue::with_capacity(items, ahead.ring_bytes(size)).expect("there is memory"))
    }

    fn putter(&self) -> Put {
        let queue = self.0.clone();
        Box::new(move |message| queue.put(ByteBuf::from(message)).expect("it is open"))
    }

    fn getter(&self) -> Get {
        let queue = self.0.clone();
        Box::new(move |into| into.copy_from_slice(&queue.get().expect("it is open")))
    }
}

#[derive(Clone)]
pub struct Pipe(Arc<(io::PipeReader, io::PipeWriter)>);

impl Stream for Pipe {
    fn new(size: usize, ahead: Ahead) -> Self {
        let (reader, writer) = io::pipe().expect("there is a pipe");
        let bytes = ahead.bytes(size).min(BYTES) as libc::c_int;
        // SAFETY: a number for an answer; an error leaves it as it is.
        unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) };
        Pipe(Arc::new((reader, writer)))
    }

    fn putter(&self) -> Put {
        let ends = self.0.clone();
        Box::new(move |message| (&ends.1).write_all(message).expect("it is open"))
    }

    fn getter(&self) -> Get {
        let ends = self.0.clone();
        Box::new(move |into| (&ends.0).read_exact(into).expect("it is open"))
    }
}

/// A pipe for messages that it writes at once, so that several may put, and several get: asserted of each.
#[derive(Clone)]
pub struct WholePipe(Pipe);

impl Stream for WholePipe {
    fn new(size: usize, ahead: Ahead) -> Self {
        assert!(size <= libc::PIPE_BUF);
        WholePipe(Pipe::new(size, ahead))
    }

    fn putter(&self) -> Put {
        let ends = self.0.0.clone();
        Box::new(move |message| {
            let wrote = (&ends.1).write(message).expect("it is open");
            assert_eq!(wrote, message.len());
        })
    }

    fn getter(&self) -> Get {
        let ends = self.0.0.clone();
        Box::new(move |into| {
            let read = (&ends.0).read(into).expect("it is open");
            assert_eq!(read, into.len());
        })
    }
}

/// A pipe of packets: one for each page that it has room for, however short, so that a pipe of one page holds one message.
#[derive(Clone)]
pub struct PacketPipe(WholePipe);

impl Stream for PacketPipe {
    fn new(size: usize, ahead: Ahead) -> Self {
        let pipe = WholePipe::new(size, ahead);
        // SAFETY: a flag for an answer.
        let set = unsafe { libc::fcntl(pipe.0.0.1.as_raw_fd(), libc::F_SETFL, libc::O_DIRECT) };
        assert_eq!(set, 0, "no packets");
        PacketPipe(pipe)
    }

    fn putter(&self) -> Put {
        self.0.putter()
    }

    fn getter(&self) -> Get {
        self.0.getter()
    }
}

/// Packets of a pair of unix sockets.
#[derive(Clone)]
pub struct Packets(Arc<(UnixDatagram, UnixDatagram)>);

impl Stream for Packets {
    fn new(size: usize, ahead: Ahead) -> Self {
        let mut ends = [0; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        // SAFETY: a place for two.
        let made = unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) };
        assert_eq!(made, 0);
        // SAFETY: made just now, and nobody else's. (send and recv are the same for datagrams and packets.)
        let ends = ends.map(|end| UnixDatagram::from(unsafe { OwnedFd::from_raw_fd(end) }));
        let bytes = ahead.bytes(size) as libc::c_int;
        // SAFETY: a number, of its size. Without the privilege a limit holds, which then the first send tells.
        unsafe {
            libc::setsockopt(
                ends[0].as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_SNDBUFFORCE,
                (&raw const bytes).cast(),
                size_of_val(&bytes) as libc::socklen_t,
            )
        };
        let [putter, getter] = ends;
        Packets(Arc::new((putter, getter)))
    }

    fn putter(&self) -> Put {
        let ends = self.0.clone();
        Box::new(move |message| {
            assert_eq!(ends.0.send(message).expect("it is open"), message.len());
        })
    }

    fn getter(&self) -> Get {
        let ends = self.0.clone();
        Box::new(move |into| assert_eq!(ends.1.recv(into).expect("it is open"), into.len()))
    }
}

/// The bytes of ipc-channel: its channel of values adds a serialisation.
#[derive(Clone)]
pub struct IpcChannel(IpcBytesSender, Arc<Mutex<IpcBytesReceiver>>);

impl Stream for IpcChannel {
    fn new(_: usize, _: Ahead) -> Self {
        let (sender, receiver) = bytes_channel().expect("there is a channel");
        IpcChannel(sender, Arc::new(Mutex::new(receiver)))
    }

    fn putter(&self) -> Put {
        let sender = self.0.clone();
        Box::new(move |message| sender.send(message).expect("it is open"))
    }

    fn getter(&self) -> Get {
        let receiver = self.1.clone();
        Box::new(move |into| {
            let receiver = receiver.lock().expect("no one panics");
            into.copy_from_slice(&receiver.recv().expect("it is open"));
        })
    }
}

/// Publish-subscribe of iceoryx2, set to lose nothing. Its subscriber does not sleep: it asks again and again.
#[derive(Clone)]
pub struct Iceoryx {
    service: String,
    size: usize,
    ahead: Ahead,
}

pub type Factory = PortFactory<ipc::Service, [u8], ()>;

impl Stream for Iceoryx {
    fn new(size: usize, ahead: Ahead) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Relaxed);
        let service = format!("forkproof-peers/{}/{number}", std::process::id());
        Iceoryx {
            service,
            size,
            ahead,
        }
    }

    fn putter(&self) -> Put {
        let (node, factory) = self.open();
        let publisher = Iceoryx::publisher(&factory, self.size);
        Box::new(move |message| {
            let _node = &node;
            // To nobody: until the subscriber asks for the first time it is not connected, and what does not fit is dropped.
            let mut receivers = 0;
            while receivers == 0 {
                let sample = publisher.loan_slice_uninit(message.len());
                let sample = sample.expect("there is room").write_from_slice(message);
                receivers = sample.send().expect("it is open");
            }
        })
    }

    fn getter(&self) -> Get {
        let (node, factory) = self.open();
        let subscriber = factory.subscriber_builder().create();
        let subscriber = subscriber.expect("there is a subscriber");
        Box::new(move |into| {
            let _node = &node;
            loop {
                if let Some(sample) = subscriber.receive().expect("it is open") {
                    return into.copy_from_slice(&sample);
                }
                std::hint::spin_loop();
            }
        })
    }
}

impl Iceoryx {
    pub fn publisher(factory: &Factory, size: usize) -> Publisher<ipc::Service, [u8], ()> {
        factory
            .publisher_builder()
            .initial_max_slice_len(size)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()
            .expect("there is a publisher")
    }

    pub fn open(&self) -> (Node<ipc::Service>, Factory) {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().create().expect("there is a node");
        let name = self
            .service
            .as_str()
            .try_into()
            .expect("a name of ordinary characters");
        let room = match self.ahead {
            Ahead::One => 1,
            Ahead::Far => MESSAGES.max(BYTES / (self.size + 64)).min(4_096),
        };
        let factory = node
            .service_builder(&name)
            .publish_subscribe::<[u8]>()
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(room)
            .open_or_create()
            .expect("there is a service");
        (node, factory)
    }
}
