//! One table per enum for what an operator can name, so that the list, the names and the variants cannot part.

/// Makes an enum of its rows, with `ALL` and a method that tells the name of a variant.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $type:ident, $(#[$method_attribute:meta])* $method:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $type {
            /// All of them, in the order of this page.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            $(#[$method_attribute])*
            #[must_use]
            pub const fn $method(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

pub(super) use named;
