//! A bundle taken apart and put together again, as a forger would: by FORMAT.md, not by the crate.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use veritrail_audit::Hash;

/// A bundle's members by name, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts(pub(crate) Vec<(String, Vec<u8>)>);

impl Parts {
    /// Walks the local headers, by the offsets that FORMAT.md gives.
    pub(crate) fn unpack(zip: &[u8]) -> Self {
        let mut parts = Vec::new();
        let mut at = 0;
        while zip[at..].starts_with(b"PK\x03\x04") {
            let name = u16::from_le_bytes(zip[at + 26..at + 28].try_into().unwrap()) as usize;
            let size = u64::from_le_bytes(zip[at + 34 + name..at + 42 + name].try_into().unwrap()) as usize;
            let data = at + 50 + name;
            parts.push((
                String::from_utf8(zip[at + 30..at + 30 + name].to_vec()).unwrap(),
                zip[data..data + size].to_vec(),
            ));
            at = data + size;
        }
        Self(parts)
    }

    pub(crate) fn get(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.0.iter_mut().find(|(found, _)| found == name).unwrap().1
    }

    pub(crate) fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.get(name).clone()).unwrap()
    }

    pub(crate) fn lines(&mut self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::to_owned).collect()
    }

    pub(crate) fn set_lines(&mut self, name: &str, lines: &[String]) {
        *self.get(name) = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    }

    /// Makes the manifest true again, with another range, size or origin if wanted.
    pub(crate) fn fix_manifest(&mut self, change: impl Fn(&mut BTreeMap<&str, serde_json::Value>)) {
        let manifest: serde_json::Value = serde_json::from_slice(self.get("manifest.json")).unwrap();
        let mut fields: BTreeMap<&str, serde_json::Value> = ["from", "origin", "size", "to", "v"]
            .into_iter()
            .map(|key| (key, manifest[key].clone()))
            .collect();
        let files = self.0.iter().filter(|(name, _)| name != "manifest.json").map(|(name, bytes)| {
            let large = name == "entries.ndjson" || name == "payloads.ndjson";
            let sha256 = (!large).then(|| Hash(Sha256::digest(bytes).into()).to_hex());
            let lines = bytes.iter().filter(|&&byte| byte == b'\n').count().to_string();
            // serde_json's map is sorted by key.
            serde_json::json!({ "lines": lines, "name": name, "sha256": sha256, "size": bytes.len().to_string() })
        });
        fields.insert("files", files.collect());
        change(&mut fields);
        *self.get("manifest.json") = format!("{}\n", serde_json::to_string(&fields).unwrap()).into_bytes();
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        let (mut zip, mut directory) = (Vec::new(), Vec::new());
        let le = |out: &mut Vec<u8>, width: usize, value: u64| {
            out.extend_from_slice(&value.to_le_bytes()[..width]);
        };
        let put =
            |out: &mut Vec<u8>, fields: &[(usize, u64)]| fields.iter().for_each(|&(w, v)| le(out, w, v));
        for (name, data) in &self.0 {
            let (crc, size, offset) = (u64::from(crc32fast::hash(data)), data.len() as u64, zip.len() as u64);
            let common =
                [(2, 45), (2, 0), (2, 0), (2, 0), (2, 33), (4, crc), (4, 0xffff_ffff), (4, 0xffff_ffff)];
            put(&mut zip, &[(4, 0x0403_4b50)]);
            put(&mut zip, &common);
            put(&mut zip, &[(2, name.len() as u64), (2, 20)]);
            zip.extend_from_slice(name.as_bytes());
            put(&mut zip, &[(2, 1), (2, 16), (8, size), (8, size)]);
            zip.extend_from_slice(data);
            put(&mut directory, &[(4, 0x0201_4b50), (2, 0x032d)]);
            put(&mut directory, &common);
            put(
                &mut directory,
                &[
                    (2, name.len() as u64),
                    (2, 28),
                    (2, 0),
                    (2, 0),
                    (2, 0),
                    (4, 0x81a4_0000),
                    (4, 0xffff_ffff),
                ],
            );
            directory.extend_from_slice(name.as_bytes());
            put(&mut directory, &[(2, 1), (2, 24), (8, size), (8, size), (8, offset)]);
        }
        let (start, length, count) = (zip.len() as u64, directory.len() as u64, self.0.len() as u64);
        zip.extend_from_slice(&directory);
        put(
            &mut zip,
            &[(4, 0x0606_4b50), (8, 44), (2, 0x032d), (2, 45), (4, 0), (4, 0), (8, count), (8, count)],
        );
        put(&mut zip, &[(8, length), (8, start), (4, 0x0706_4b50), (4, 0), (8, start + length), (4, 1)]);
        put(
            &mut zip,
            &[
                (4, 0x0605_4b50),
                (2, 0),
                (2, 0),
                (2, 0xffff),
                (2, 0xffff),
                (4, 0xffff_ffff),
                (4, 0xffff_ffff),
                (2, 0),
            ],
        );
        zip
    }
}
