//! Policy `static-files`: the files of the console.
