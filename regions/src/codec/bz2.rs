//! bzip2 streams, one or several behind each other.
//!
//! In: streams. Out: their bytes. Never writes beyond its buffer; holds about 4 MB while it works.

/// Decodes every stream of `input` into `out` and gives how many bytes they held.
///
/// # Errors
/// A reason, when a stream is malformed, ends early or does not fit.
pub fn decompress(mut input: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut done = 0;
    loop {
        let mut stream = bzip2::Decompress::new(false);
        loop {
            let (read, written) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(input, &mut out[done..]).map_err(|e| e.to_string())?;
            let (read, written) = ((stream.total_in() - read) as usize, (stream.total_out() - written) as usize);
            (input, done) = (input.get(read..).unwrap_or(&[]), done + written);
            if status == bzip2::Status::StreamEnd {
                break;
            }
            if read == 0 && written == 0 {
                return Err(if input.is_empty() { "the stream ends early" } else { "decodes to more bytes than the chunk has" }.into());
            }
        }
        if input.is_empty() {
            return Ok(done);
        }
    }
}
