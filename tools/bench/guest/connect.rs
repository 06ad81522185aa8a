// SPDX-License-Identifier: GPL-2.0

//! connect HOST PORT NUMBER, or --seconds NUMBER: makes TCP connections one after the other, with a byte
//! in each direction, and prints how many there were per second.

use std::{
    env,
    io::{self, Error, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (host, port, number, time) = match words[..] {
        [host, port, "--seconds", seconds] => (host, port, u64::MAX, Duration::from_secs(value(seconds)?)),
        [host, port, number] => (host, port, value(number)?, Duration::MAX),
        _ => return Err(Error::other("usage: connect HOST PORT NUMBER, or --seconds NUMBER")),
    };
    let address = format!("{host}:{port}");
    let started = Instant::now();
    let mut done = 0;
    while done < number && started.elapsed() < time {
        let mut stream = TcpStream::connect(&address)?;
        let mut byte = [7];
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        done += 1;
    }
    let rate = done as f64 / started.elapsed().as_secs_f64();
    println!("{done} connections, {rate} connections/s");
    Ok(())
}

fn value(word: &str) -> io::Result<u64> {
    word.parse().map_err(|_| Error::other(format!("{word} is no number")))
}
