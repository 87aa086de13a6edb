//! Policy `routing`: which route, upstream and time-outs a request gets.

mod guest;
