mod classes;
mod mistakes;
mod overrides;
mod schema;
mod shipped;
