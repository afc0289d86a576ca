//! An object whose beginning comes with one request, however many small reads its headers take.
//!
//! In: an object of a store where each request takes a round trip. Out: the same bytes. Never keeps them longer than its metadata is read.

use super::{Object, outside};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use xeng_proto::RegionError;

/// Bytes of the beginning: superblocks, the headers of most files, and their short coordinates.
const BEGINNING: u64 = 1 << 20;

/// An object, and its beginning while somebody reads its headers.
#[derive(Debug)]
pub(super) struct Beginning {
    object: Arc<dyn Object>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
enum Kept {
    /// Nothing was read yet.
    Nothing,
    Bytes(Bytes),
    /// The headers have been read.
    NoMore,
}

impl Beginning {
    pub(super) fn of(object: Arc<dyn Object>) -> Beginning {
        Beginning { object, kept: Mutex::new(Kept::Nothing) }
    }

    /// The range out of the beginning, where it lies in there.
    fn early(&self, offset: u64, len: usize) -> Result<Option<Bytes>, RegionError> {
        let end = offset.saturating_add(len as u64);
        let object_len = self.object.len();
        let beginning = object_len.min(BEGINNING);
        if len == 0 || end > beginning {
            return Ok(None);
        }
        // Whoever comes while the request is under way waits for it instead of asking again.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Kept::Nothing = *kept {
            *kept = Kept::Bytes(self.object.read(0, beginning as usize)?);
        }
        let Kept::Bytes(bytes) = &*kept else { return Ok(None) };
        if end > bytes.len() as u64 {
            return Err(outside(self.object.name(), offset, len, object_len));
        }
        Ok(Some(bytes.slice(offset as usize..end as usize)))
    }
}

impl Object for Beginning {
    fn name(&self) -> &str {
        self.object.name()
    }

    fn len(&self) -> u64 {
        self.object.len()
    }

    fn version(&self) -> &str {
        self.object.version()
    }

    fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
        match self.early(offset, len)? {
            Some(bytes) => Ok(bytes),
            None => self.object.read(offset, len),
        }
    }

    fn read_many(&self, ranges: &[(u64, usize)]) -> Result<Vec<Bytes>, RegionError> {
        let mut found = ranges.iter().map(|&(offset, len)| self.early(offset, len)).collect::<Result<Vec<_>, _>>()?;
        let missing: Vec<(u64, usize)> = ranges.iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(&range, _)| range).collect();
        let mut rest = if missing.is_empty() { vec![] } else { self.object.read_many(&missing)? }.into_iter();
        for slot in found.iter_mut().filter(|f| f.is_none()) {
            *slot = rest.next();
        }
        found.into_iter().map(|bytes| bytes.ok_or_else(|| RegionError::internal("a range was not read"))).collect()
    }

    fn is_described(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::NoMore;
        self.object.is_described();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Bytes that say where they lie, and what was asked of them.
    #[derive(Debug, Default)]
    struct Counted {
        len: u64,
        asked: Mutex<Vec<(u64, usize)>>,
    }

    impl Object for Counted {
        fn name(&self) -> &str {
            "counted"
        }

        fn len(&self) -> u64 {
            self.len
        }

        fn version(&self) -> &str {
            "1"
        }

        fn read(&self, offset: u64, len: usize) -> Result<Bytes, RegionError> {
            if offset + len as u64 > self.len {
                return Err(outside("counted", offset, len, self.len));
            }
            self.asked.lock().unwrap().push((offset, len));
            Ok((offset..offset + len as u64).map(|at| (at % 251) as u8).collect())
        }
    }

    #[test]
    fn headers_take_one_request_and_give_the_same_bytes() {
        let whole = BEGINNING + 5000;
        let counted = Arc::new(Counted { len: whole, ..Counted::default() });
        let object = Beginning::of(counted.clone());
        let plain = Counted { len: whole, ..Counted::default() };
        for (offset, len) in [(0, 8), (17, 300), (BEGINNING - 4, 4), (0, BEGINNING as usize)] {
            assert_eq!(object.read(offset, len).unwrap(), plain.read(offset, len).unwrap(), "{offset} {len}");
        }
        assert_eq!(*counted.asked.lock().unwrap(), [(0, BEGINNING as usize)]);
        // What reaches over the beginning, and what is long, is asked for as it is.
        let ranges = [(5, 10), (BEGINNING - 4, 8), (0, 0), (0, BEGINNING as usize + 1), (BEGINNING + 4990, 10)];
        assert_eq!(object.read_many(&ranges).unwrap(), plain.read_many(&ranges).unwrap());
        assert_eq!(counted.asked.lock().unwrap().len(), 5);
        assert!(object.read(BEGINNING, 5001).is_err());
    }

    #[test]
    fn nothing_is_kept_once_the_headers_are_known() {
        let counted = Arc::new(Counted { len: 100, ..Counted::default() });
        let object = Beginning::of(counted.clone());
        object.read(0, 8).unwrap();
        object.is_described();
        object.read(0, 8).unwrap();
        assert_eq!(*counted.asked.lock().unwrap(), [(0, 100), (0, 8)]);
        assert!(matches!(*object.kept.lock().unwrap(), Kept::NoMore));
    }
}
