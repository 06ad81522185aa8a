// SPDX-License-Identifier: GPL-2.0

//! Assertions that return an error, so that what a test has made is dropped.

/// Fails the test unless the condition is true.
macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            pr_err!(
                "{}:{}: not true: {}\n",
                file!(),
                line!(),
                stringify!($condition)
            );
            return Err(EUCLEAN);
        }
    };
}

/// Fails the test unless both sides are equal.
macro_rules! ensure_eq {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if *left != *right {
                    pr_err!(
                        "{}:{}: {} is {:?}, and not {:?}\n",
                        file!(),
                        line!(),
                        stringify!($left),
                        left,
                        right
                    );
                    return Err(EUCLEAN);
                }
            }
        }
    };
}

pub(crate) use ensure;
pub(crate) use ensure_eq;
