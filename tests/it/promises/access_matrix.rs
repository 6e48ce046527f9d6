//! Who may do what is one table, and people who do not read Rust have read it.

use super::golden;

#[test]
fn the_permission_matrix_is_the_one_that_was_reviewed() {
    golden("access_matrix.txt", &platform::access::matrix());
}
