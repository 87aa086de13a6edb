//! Policy `authentication`: who is calling.
