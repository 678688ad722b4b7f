//! zfs-mount(8), zfs-unmount(8): clients send them after a receive, and before. Nothing is ever mounted; what is read
//! here is the form that has an answer, one dataset and no option.
#![forbid(unsafe_code)]

use super::argv;
use crate::command::argv::Argv;
use crate::command::name::Dataset;
use crate::syntax::Word;

/// The dataset of `zfs mount DATASET`. `None` for any other form: a path, an option, all that there is.
pub(super) fn read(words: &[Word]) -> Option<Dataset> {
    let operand = match words {
        [operand] => operand,
        [dashes, operand] if dashes.as_str() == "--" => operand,
        _ => return None,
    };
    Dataset::parse(operand.as_str()).ok()
}

/// What zfs would be told.
pub(super) fn render(subcommand: &'static str, dataset: &Dataset) -> Argv {
    let mut argv = argv(subcommand);
    argv.push("--");
    argv.push(dataset);
    argv
}

#[cfg(test)]
mod tests {
    use super::super::Zfs;
    use super::super::testing::{read, rendered_again};

    #[test]
    fn only_one_dataset_without_an_option_has_an_answer() {
        assert_eq!(rendered_again("mount tank/a"), "zfs mount -- tank/a");
        assert_eq!(rendered_again("umount 'tank/my docs'"), "zfs unmount -- 'tank/my docs'");
        assert_eq!(rendered_again("unmount -- tank/a"), "zfs unmount -- tank/a");
        for line in ["mount", "mount -a", "mount -o exec tank/a", "mount tank/a tank/b", "mount tank/a -O", "mount --"]
        {
            assert_eq!(read(line), Ok(Zfs::Unserved("mount")), "{line}");
        }
        for line in ["umount -f tank/a", "unmount -a", "umount /mnt"] {
            assert!(matches!(read(line), Ok(Zfs::Unserved("umount" | "unmount"))), "{line}");
        }
    }
}
