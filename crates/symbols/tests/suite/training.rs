//! Tests of training: how well trained tables compress, and that they can code any text.

use proptest::collection::vec;
use proptest::prelude::*;
use symbols::SymbolTable;

/// Returns the number of bytes of codes for each byte of the texts.
fn ratio(table: &SymbolTable, texts: &[impl AsRef<[u8]>]) -> f64 {
    let mut buffer = Vec::new();
    let sizes = texts.iter().map(|text| {
        let text = text.as_ref();
        (table.encode(text, &mut buffer).unwrap().len(), text.len())
    });
    let (codes, text) = sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
    codes as f64 / text as f64
}

#[test]
fn texts_with_much_in_common_take_less_than_half_their_bytes() {
    let record = |number: u64| {
        let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let name = ["Ada", "Grace", "Barbara", "Edsger"][(hash >> 62) as usize];
        format!(
            r#"{{"id": {}, "name": "{name}", "active": {}, "visits": {}}}"#,
            hash >> 44,
            hash & 1 == 0,
            hash >> 50 & 0xFFF
        )
    };
    let (sample, others): (Vec<_>, Vec<_>) =
        ((0..500).map(record).collect(), (1_000..2_000).map(record).collect());
    let table = SymbolTable::train(&sample).unwrap();
    let ratio = ratio(&table, &others);
    assert!(ratio < 0.5, "{ratio}");
}

#[test]
fn random_bytes_hardly_shrink() {
    // A pair of bytes repeats only by chance, so a table saves a few percent at best.
    let mut state = 1_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let texts: Vec<Vec<u8>> = (0..300).map(|_| (0..100).map(|_| byte()).collect()).collect();
    let table = SymbolTable::train(&texts).unwrap();
    let ratio = ratio(&table, &texts);
    assert!(ratio > 0.9, "{ratio}");
}

#[test]
fn a_sample_without_texts_gives_a_table_without_symbols() {
    for sample in [&[][..], &[""], &["", ""]] {
        let table = SymbolTable::train(sample).unwrap();
        assert_eq!(table.symbols().len(), 0);
        assert_eq!(table.encode(b"ab", &mut Vec::new()).unwrap(), [255, b'a', 255, b'b']);
    }
}

#[test]
fn the_same_sample_gives_the_same_table() {
    let sample: Vec<String> = (0..2_000).map(|number| format!("session:{:08x}", number * 7_919)).collect();
    assert_eq!(SymbolTable::train(&sample).unwrap(), SymbolTable::train(&sample).unwrap());
}

proptest! {
    #![proptest_config(testing::config(256, 2))]

    #[test]
    fn a_table_of_any_sample_codes_any_text(
        sample in vec(vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..50), 0..30),
        text in vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..300),
    ) {
        let table = SymbolTable::train(&sample).unwrap();
        let (mut buffer, mut decoded) = (Vec::new(), Vec::new());
        for text in sample.iter().chain([&text]) {
            let codes = table.encode(text, &mut buffer).unwrap();
            decoded.clear();
            table.decode(codes, text.len(), &mut decoded).unwrap();
            prop_assert_eq!(&decoded, text);
        }
    }
}
