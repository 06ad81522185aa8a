// SPDX-License-Identifier: GPL-2.0

//! Kinds of traffic, and the programs that make them.

use crate::{outcome::Found, workload::Length};
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// Port of the host's server of connections; iperf3 has its own.
pub const CONNECTION_PORT: u16 = 7777;

/// A kind of traffic, as seen by the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Traffic {
    /// A TCP stream to the host, in blocks of 128 KiB.
    TcpSend,
    /// A TCP stream from the host.
    TcpReceive,
    /// UDP packets with that many bytes to the host, as fast as they go.
    UdpSend(u16),
    /// The same from the host.
    UdpReceive(u16),
    /// Small UDP packets to the host, so many per second.
    UdpSendAt(u32),
    /// The same from the host.
    UdpReceiveAt(u32),
    /// A request (ICMP echo), then its response, one at a time.
    Echo,
    /// TCP connections, one after the other, with a byte in each direction.
    Connect,
}

/// UDP data of a packet that fills an Ethernet frame.
pub const FULL: u16 = 1472;
/// A small packet.
pub const SMALL: u16 = 64;
/// UDP data of a packet of the smallest size.
pub const TINY: u16 = 18;

impl Traffic {
    /// The command for `length` (of operations or seconds) to `host`.
    pub fn command(self, host: &str, length: Length, streams: u32) -> String {
        let iperf = |options: &str| {
            let length = match length {
                Length::Operations(number) => format!("-k {number}"),
                Length::Seconds(seconds) => format!("-t {seconds}"),
            };
            let parallel = if streams > 1 { format!(" -P {streams}") } else { String::new() };
            format!("iperf3 -c {host} -J {length}{parallel}{options}")
        };
        let or_seconds = |count: &str, seconds: &str| match length {
            Length::Operations(number) => format!("{count}{number}"),
            Length::Seconds(number) => format!("{seconds}{number}"),
        };
        match self {
            Self::TcpSend => iperf(" -l 128K"),
            Self::TcpReceive => iperf(" -l 128K -R"),
            Self::UdpSend(bytes) => iperf(&format!(" -u -b 0 -l {bytes}")),
            Self::UdpReceive(bytes) => iperf(&format!(" -u -b 0 -l {bytes} -R")),
            Self::UdpSendAt(rate) => iperf(&format!(" -u -b {} -l {SMALL}", bits(rate))),
            Self::UdpReceiveAt(rate) => iperf(&format!(" -u -b {} -l {SMALL} -R", bits(rate))),
            Self::Echo => format!("ping -f -q {} {host}", or_seconds("-c ", "-w ")),
            Self::Connect => {
                format!("/host/connect {host} {CONNECTION_PORT} {}", or_seconds("", "--seconds "))
            }
        }
    }

    /// Where costs are counted: the short run and the long one.
    ///
    /// Who receives packets cannot wait for a number of them, as some may be lost; and with a rate to
    /// keep to, iperf3 sends a number of them all at once.
    pub fn lengths(self) -> [Length; 2] {
        let (short, more) = match self {
            Self::UdpReceive(_) | Self::UdpReceiveAt(_) | Self::UdpSendAt(_) => {
                return [Length::Seconds(1), Length::Seconds(3)];
            }
            Self::UdpSend(_) => (500, 4000),
            Self::Echo => (200, 1500),
            // A block is two packets of the largest size, and a connection ten small ones.
            Self::TcpSend | Self::TcpReceive => (50, 400),
            Self::Connect => (100, 600),
        };
        [short, short + more].map(Length::Operations)
    }

    /// How many operations the guest did: packets that its interface sent or received in the direction
    /// under test, round trips or connections.
    ///
    /// # Errors
    ///
    /// When nothing of the kind is known.
    pub fn operations(self, found: &Found) -> Result<f64> {
        let packets = || found.packets.context("a phase without packets");
        Ok(match self {
            Self::TcpSend | Self::UdpSend(_) | Self::UdpSendAt(_) => packets()?.0 as f64,
            Self::TcpReceive | Self::UdpReceive(_) | Self::UdpReceiveAt(_) => packets()?.1 as f64,
            Self::Echo => number_before(&found.said, "received")?,
            Self::Connect => number_before(&found.said, "connections,")?,
        })
    }

    /// What [`Traffic::rate`] counts.
    pub fn unit(self) -> &'static str {
        match self {
            Self::TcpSend | Self::TcpReceive => "Mbit/s",
            Self::UdpSend(_) | Self::UdpReceive(_) | Self::UdpSendAt(_) | Self::UdpReceiveAt(_) => {
                "packets/s"
            }
            Self::Echo => "round trips/s",
            Self::Connect => "connections/s",
        }
    }

    /// How much got through per second, by what the program said.
    ///
    /// # Errors
    ///
    /// When it said nothing of the kind, or that nothing got through.
    pub fn rate(self, said: &str) -> Result<f64> {
        let rate = match self {
            Self::TcpSend | Self::TcpReceive => end(said)?("/sum_received/bits_per_second")? / 1e6,
            Self::UdpSend(_) | Self::UdpReceive(_) | Self::UdpSendAt(_) | Self::UdpReceiveAt(_) => {
                let number = end(said)?;
                (number("/sum/packets")? - number("/sum/lost_packets")?) / number("/sum/seconds")?
            }
            Self::Echo => echo_rate(said)?,
            Self::Connect => number_before(said, "connections/s")?,
        };
        if !rate.is_finite() || rate <= 0.0 {
            bail!("nothing got through: {said}");
        }
        Ok(rate)
    }
}

/// Bits per second of so many small packets.
fn bits(packets: u32) -> u64 {
    u64::from(packets) * u64::from(SMALL) * 8
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TcpSend => write!(f, "TCP to the host"),
            Self::TcpReceive => write!(f, "TCP from the host"),
            Self::UdpSend(bytes) => write!(f, "UDP of {bytes} bytes to the host"),
            Self::UdpReceive(bytes) => write!(f, "UDP of {bytes} bytes from the host"),
            Self::UdpSendAt(rate) => write!(f, "UDP of {SMALL} bytes to the host, {rate}/s"),
            Self::UdpReceiveAt(rate) => write!(f, "UDP of {SMALL} bytes from the host, {rate}/s"),
            Self::Echo => write!(f, "request and response"),
            Self::Connect => write!(f, "connections"),
        }
    }
}

/// The end of iperf3's report, and how to get a number out of it.
fn end(said: &str) -> Result<impl Fn(&str) -> Result<f64>> {
    let start = said.find('{').context("iperf3 made no report")?;
    let report: Value = serde_json::from_str(&said[start..]).context("iperf3's report cannot be read")?;
    if let Some(error) = report["error"].as_str() {
        bail!("iperf3: {error}");
    }
    Ok(move |path: &str| {
        let number = report["end"].pointer(path).and_then(Value::as_f64);
        number.with_context(|| format!("iperf3's report has no {path}"))
    })
}

/// `500 packets transmitted, 500 received, 0% packet loss, time 812ms`
fn echo_rate(said: &str) -> Result<f64> {
    let line = said.lines().find(|line| line.contains("packets transmitted")).context("ping says nothing")?;
    let received = number_before(line, "received")?;
    let time =
        line.rsplit_once("time ").and_then(|(_, time)| time.trim_end_matches("ms").parse::<f64>().ok());
    Ok(received / (time.context("ping does not say how long it took")? / 1000.0))
}

/// The number in front of `word`.
fn number_before(text: &str, word: &str) -> Result<f64> {
    let before = text.split_once(word).map(|(before, _)| before);
    let number =
        before.and_then(|before| before.split_whitespace().last()?.trim_end_matches(',').parse().ok());
    number.with_context(|| format!("no number of {word} in: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let of = |traffic: Traffic, length| traffic.command("10.0.0.1", length, 1);
        assert_eq!(
            of(Traffic::UdpReceive(64), Length::Operations(5)),
            "iperf3 -c 10.0.0.1 -J -k 5 -u -b 0 -l 64 -R"
        );
        assert_eq!(
            of(Traffic::UdpSendAt(1000), Length::Operations(5)),
            "iperf3 -c 10.0.0.1 -J -k 5 -u -b 512000 -l 64"
        );
        assert_eq!(of(Traffic::Echo, Length::Operations(5)), "ping -f -q -c 5 10.0.0.1");
        assert_eq!(of(Traffic::Connect, Length::Seconds(2)), "/host/connect 10.0.0.1 7777 --seconds 2");
        assert_eq!(Traffic::TcpSend.command("h", Length::Seconds(3), 4), "iperf3 -c h -J -t 3 -P 4 -l 128K");
    }

    #[test]
    fn rates() {
        let tcp =
            r#"{"end": {"sum_sent": {"bits_per_second": 9e6}, "sum_received": {"bits_per_second": 8e6}}}"#;
        assert_eq!(Traffic::TcpSend.rate(tcp).unwrap(), 8.0);
        let udp = r#"{"end": {"sum": {"seconds": 2, "packets": 1000, "lost_packets": 100}}}"#;
        assert_eq!(Traffic::UdpSend(64).rate(udp).unwrap(), 450.0);
        let ping = "PING\n500 packets transmitted, 500 received, 0% packet loss, time 250ms\nrtt\n";
        assert_eq!(Traffic::Echo.rate(ping).unwrap(), 2000.0);
        assert_eq!(Traffic::Connect.rate("100 connections, 50.5 connections/s\n").unwrap(), 50.5);
    }

    #[test]
    fn operations() {
        let found = |said: &str| Found { interrupts: 0, packets: Some((50, 31)), said: said.to_owned() };
        assert_eq!(Traffic::TcpSend.operations(&found("")).unwrap(), 50.0);
        assert_eq!(Traffic::UdpReceive(64).operations(&found("")).unwrap(), 31.0);
        let ping = "PING\n500 packets transmitted, 499 received, 0% packet loss, time 250ms\n";
        assert_eq!(Traffic::Echo.operations(&found(ping)).unwrap(), 499.0);
        assert_eq!(
            Traffic::Connect.operations(&found("100 connections, 50.5 connections/s\n")).unwrap(),
            100.0
        );
        assert!(Traffic::Connect.operations(&found("")).is_err());
        assert!(Traffic::TcpSend.operations(&Found { packets: None, ..found("") }).is_err());
    }

    #[test]
    fn a_failed_run_gives_no_number() {
        assert!(Traffic::TcpSend.rate(r#"{"error": "unable to connect", "end": {}}"#).is_err());
        assert!(Traffic::TcpSend.rate(r#"{"end": {}}"#).is_err(), "nothing received");
        assert!(Traffic::UdpSend(64).rate(r#"{"end": {"sum": {"seconds": 0}}}"#).is_err());
        assert!(Traffic::Echo.rate("ping: unreachable\n").is_err());
        let lost = "5 packets transmitted, 0 received, 100% packet loss, time 250ms\n";
        assert!(Traffic::Echo.rate(lost).is_err());
        assert!(Traffic::Connect.rate("").is_err());
    }
}
