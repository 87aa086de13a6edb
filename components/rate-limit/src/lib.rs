//! Policy `rate-limiting`: which allowances a request draws on.
