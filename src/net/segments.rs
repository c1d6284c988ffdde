//! What TCP did for a connection, as the kernel counts it (`TCP_INFO`, tcp(7)): segments and retransmissions, and from
//! these the octets of headers.

use std::os::fd::AsFd;

/// IP's header without options (RFC 791 section 3.1, RFC 8200 section 3).
const IPV4_HEADER: u64 = 20;
const IPV6_HEADER: u64 = 40;
/// TCP's header without options (RFC 9293 section 3.1).
const TCP_HEADER: u64 = 20;
/// Timestamps, padded, in every segment where both sides agreed on them (RFC 7323 section 3.2).
const TIMESTAMPS: u64 = 12;
/// Options of Linux's SYN: segment size, selective acknowledgements, timestamps, window scale; and without timestamps.
const SYN_OPTIONS: u64 = 20;
const SYN_OPTIONS_WITHOUT_TIMESTAMPS: u64 = 12;

/// Segments of one connection so far. What the kernel hands to a network card in one piece to be cut there counts as
/// what it is cut into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// From the server, those without data (handshakes, acknowledgements) included.
    pub rx: u64,
    /// To the server, likewise.
    pub tx: u64,
    /// Of those to the server, sent again. What the server's kernel sent again only it knows.
    pub retransmitted: u64,
    /// Octets of their IP and TCP headers, from the server: as many as their number and the options agreed on make, without
    /// blocks of selective acknowledgements.
    pub header_rx: u64,
    /// The same, to the server.
    pub header_tx: u64,
}

/// What was counted on a socket so far; none: the kernel does not tell.
pub(super) fn segments(socket: &impl AsFd, ipv6: bool) -> Option<Segments> {
    let counts = kernel::counts(socket)?;
    let ip = if ipv6 { IPV6_HEADER } else { IPV4_HEADER };
    let (options, of_syn) = if counts.timestamps {
        (TIMESTAMPS, SYN_OPTIONS)
    } else {
        (0, SYN_OPTIONS_WITHOUT_TIMESTAMPS)
    };
    // One segment each way is the SYN.
    let headers = |segments: u64| match segments {
        0 => 0,
        segments => segments * (ip + TCP_HEADER + options) + of_syn - options,
    };
    Some(Segments {
        rx: counts.rx,
        tx: counts.tx,
        retransmitted: counts.retransmitted,
        header_rx: headers(counts.rx),
        header_tx: headers(counts.tx),
    })
}

/// What is taken from the kernel.
struct Counts {
    rx: u64,
    tx: u64,
    retransmitted: u64,
    timestamps: bool,
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::os::fd::AsFd;

    use nix::libc;
    use nix::sys::socket::GetSockOpt as _;
    use nix::{getsockopt_impl, sockopt_impl};

    use super::Counts;

    /// The part of `struct tcp_info` (linux/tcp.h) that kernels since 4.2 have; of a longer one they fill in this part.
    #[expect(
        unreachable_pub,
        reason = "the macro's own struct is public, and names this one"
    )]
    #[repr(C)]
    #[derive(Clone, Copy, Debug)]
    pub struct TcpInfo {
        state_to_backoff: [u8; 5],
        options: u8,
        window_scales: u8,
        flags: u8,
        timeout_to_receive_space: [u32; 23],
        total_retrans: u32,
        rates_and_octets: [u64; 4],
        segs_out: u32,
        segs_in: u32,
    }

    /// `TCPI_OPT_TIMESTAMPS` of `options`: both sides send them.
    const TIMESTAMPS: u8 = 1;

    sockopt_impl!(Info, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, TcpInfo);

    pub(super) fn counts(socket: &impl AsFd) -> Option<Counts> {
        let info = Info.get(socket).ok()?;
        Some(Counts {
            rx: info.segs_in.into(),
            tx: info.segs_out.into(),
            retransmitted: info.total_retrans.into(),
            timestamps: info.options & TIMESTAMPS != 0,
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::os::fd::AsFd;

    use super::Counts;

    pub(super) fn counts(_: &impl AsFd) -> Option<Counts> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::{Segments, segments};

    #[test]
    fn a_connection_begins_with_three_segments_and_an_octet_takes_one_more_and_its_acknowledgement()
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let begun = segments(&near, false).unwrap();
        let Segments {
            rx,
            tx,
            retransmitted,
            ..
        } = begun;
        assert_eq!((rx, tx, retransmitted), (1, 2, 0));
        far.write_all(b"x").unwrap();
        near.read_exact(&mut [0]).unwrap();
        let later = segments(&near, false).unwrap();
        assert_eq!(later.rx, 2);
        assert!((2..=3).contains(&later.tx), "{later:?}");
    }

    #[test]
    fn headers_are_those_of_the_ip_version_and_larger_in_the_handshake() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let [four, six] = [false, true].map(|ipv6| segments(&near, ipv6).unwrap());
        // A kernel may be set to do without timestamps.
        assert!(
            matches!((four.header_rx, four.header_tx), (60, 112) | (52, 92)),
            "{four:?}"
        );
        assert_eq!(
            (six.header_rx, six.header_tx),
            (four.header_rx + 20, four.header_tx + 40)
        );
    }
}
