//! Colour maps: numbers between 0 and 1 as colours.
//!
//! In: a position. Out: a colour. Never leaves the table: positions outside are clamped.

/// A family of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorMap {
    /// Perceptually uniform, dark to bright: Matplotlib's `viridis` (CC0).
    Sequential,
    /// Blue through white to red: ColorBrewer's `RdBu`, reversed (Apache-2.0).
    Diverging,
}

const VIRIDIS: [[u8; 3]; 24] = [
    [68, 1, 84],
    [71, 17, 100],
    [72, 32, 113],
    [71, 46, 124],
    [68, 59, 132],
    [63, 72, 137],
    [58, 84, 140],
    [52, 96, 141],
    [47, 108, 142],
    [42, 118, 142],
    [38, 129, 142],
    [34, 139, 141],
    [31, 149, 139],
    [31, 160, 136],
    [36, 170, 131],
    [47, 180, 124],
    [66, 190, 113],
    [88, 199, 101],
    [112, 207, 87],
    [139, 214, 70],
    [168, 219, 52],
    [197, 224, 33],
    [226, 228, 24],
    [253, 231, 37],
];

const BLUE_RED: [[u8; 3]; 23] = [
    [5, 48, 97],
    [17, 71, 129],
    [30, 97, 165],
    [44, 117, 180],
    [60, 138, 190],
    [89, 161, 202],
    [123, 182, 214],
    [157, 203, 225],
    [187, 218, 234],
    [212, 230, 241],
    [230, 239, 244],
    [247, 246, 246],
    [250, 234, 225],
    [253, 221, 203],
    [250, 200, 175],
    [246, 175, 142],
    [235, 145, 114],
    [222, 115, 92],
    [207, 82, 70],
    [190, 48, 54],
    [171, 22, 42],
    [135, 10, 36],
    [103, 0, 31],
];

impl ColorMap {
    /// The colour at `position`: 0 is the lowest, 1 the highest, linear between the table's entries.
    pub fn at(self, position: f64) -> [u8; 3] {
        let table: &[[u8; 3]] = match self {
            ColorMap::Sequential => &VIRIDIS,
            ColorMap::Diverging => &BLUE_RED,
        };
        let last = table.len() - 1;
        let x = position.clamp(0.0, 1.0) * last as f64;
        let low = (x as usize).min(last - 1);
        let part = x - low as f64;
        std::array::from_fn(|i| {
            let (a, b) = (f64::from(table[low][i]), f64::from(table[low + 1][i]));
            (a + (b - a) * part).round() as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ColorMap;

    #[test]
    fn ends_and_middle() {
        assert_eq!(ColorMap::Sequential.at(0.0), [68, 1, 84]);
        assert_eq!(ColorMap::Sequential.at(1.0), [253, 231, 37]);
        assert_eq!(ColorMap::Sequential.at(7.0), [253, 231, 37]);
        assert_eq!(ColorMap::Diverging.at(0.0), [5, 48, 97]);
        assert_eq!(ColorMap::Diverging.at(1.0), [103, 0, 31]);
        let [r, g, b] = ColorMap::Diverging.at(0.5);
        assert!(r > 240 && g > 240 && b > 240);
    }
}
