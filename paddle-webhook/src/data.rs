//! The entities that events carry, with every field that any source of Paddle's names.
//!
//! They are read leniently: only an entity's own `id` must be there. Paddle leaves keys out of older and nested
//! copies, and adds others, without a new API version.

mod account;
mod adjustment;
mod catalog;
mod customer;
mod discount;
mod payment;
mod shared;
mod subscription;
mod transaction;
mod transaction_details;

pub use account::*;
pub use adjustment::*;
pub use catalog::*;
pub use customer::*;
pub use discount::*;
pub use payment::*;
pub use shared::*;
pub use subscription::*;
pub use transaction::*;
pub use transaction_details::*;

/// A struct with an id of its own. Of all fields only the id must be there, and only the id is printed by `Debug`.
macro_rules! entity {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(#[$id_meta:meta])*
            pub id: $id:ty,
            $( $(#[$field_meta:meta])* pub $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Eq, PartialEq)]
        pub struct $name {
            $(#[$id_meta])*
            pub id: $id,
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        $crate::json_object::json_object! {
            $name { id $($field)* },
            required: 1,
            empty: Self { id: <$id>::from(""), $( $field: Default::default(), )* }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    };
}

/// A part of an entity. No field of it must be there.
macro_rules! object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* pub $field:ident: $type:ty, )+
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Debug, Default, Eq, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )+
        }

        $crate::json_object::json_object! {
            $name { $($field)+ },
            required: 0,
            empty: Self::default()
        }
    };
}

/// A part of an entity that tells of a person: as `object!`, and `Debug` prints nothing of it.
macro_rules! private_object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* pub $field:ident: $type:ty, )+
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        #[derive(Clone, Default, Eq, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )+
        }

        $crate::json_object::json_object! {
            $name { $($field)+ },
            required: 0,
            empty: Self::default()
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

use {entity, object, private_object};
