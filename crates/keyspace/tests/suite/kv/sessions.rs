//! Sessions that test each group of commands.

use super::{assert_replays, assert_session};
use keyspace::{Keyspace, MaxmemoryPolicy, Options};

#[test]
fn a_session_with_strings() {
    assert_session(
        r#"> set greeting "hello, world"
OK
> get greeting
"hello, world"
> GET 'no such key'
(nil)
> strlen greeting
(integer) 12
> strlen nothing
(integer) 0
> append greeting "\x00\n\"!\""
(integer) 17
> get greeting
"hello, world\x00\n\"!\""
> set greeting new NX
(nil)
> set greeting new XX GET
"hello, world\x00\n\"!\""
> set other new xx
(nil)
> set other new get
(nil)
> get other
"new"
> incr counter
(integer) 1
> incrby counter 41
(integer) 42
> decr counter
(integer) 41
> get counter
"41"
> getdel counter
"41"
> getdel counter
(nil)
> getex greeting EX 100
"new"
> ttl greeting
(integer) 99
> getex greeting
"new"
> getex greeting persist
"new"
> ttl greeting
(integer) -1
"#,
    );
}

#[test]
fn a_session_with_keys_that_expire() {
    assert_session(
        r#"> set a 1 EX 10
OK
> ttl a
(integer) 9
> pttl a
(integer) 8000
> set a 2 KEEPTTL
OK
> ttl a
(integer) 6
> expire a 1 GT
(integer) 0
> expire a 100 NX
(integer) 0
> expire a 1 LT
(integer) 1
> get a
(nil)
> ttl a
(integer) -2
> set b 1
OK
> expire b 100 XX
(integer) 0
> expiretime b
(integer) -1
> pexpireat b 1100500
(integer) 1
> expiretime b
(integer) 1101
> pexpiretime b
(integer) 1100500
> expireat b 1200
(integer) 1
> pttl b
(integer) 183000
> pexpire b 2500
(integer) 1
> persist b
(integer) 1
> persist b
(integer) 0
> pexpireat b 1
(integer) 1
> exists b
(integer) 0
> expiretime b
(integer) -2
> set c 1 PXAT 1025001
OK
> get c
"1"
> get c
(nil)
"#,
    );
}

#[test]
fn a_session_with_keys_and_their_names() {
    assert_session(
        r#"> set a 1
OK
> set b 2
OK
> exists a b a x
(integer) 3
> touch a x
(integer) 1
> type a
string
> type x
none
> rename a c
OK
> renamenx c b
(integer) 0
> renamenx c d
(integer) 1
> copy d b
(integer) 0
> copy d b REPLACE
(integer) 1
> get b
"1"
> keys [d-z]*
1) "d"
> keys x?
(empty array)
> del b x
(integer) 1
> dbsize
(integer) 1
> randomkey
"d"
> sadd set 1
(integer) 1
> scan 0 COUNT 1000 MATCH s* TYPE set
1) "0"
2) 1) "set"
> scan 0 count 1000 type list
1) "0"
2) (empty array)
> unlink d set x
(integer) 2
> set a 1
OK
> flushdb
OK
> dbsize
(integer) 0
> randomkey
(nil)
"#,
    );
}

#[test]
fn a_session_with_hashes_and_sets() {
    assert_session(
        r#"> hset user name Ada born 1815
(integer) 2
> hset user born 1816 died 1852
(integer) 1
> hget user name
"Ada"
> hget user age
(nil)
> hgetall user
1) "name"
2) "Ada"
3) "born"
4) "1816"
5) "died"
6) "1852"
> hlen user
(integer) 3
> hdel user name died age
(integer) 2
> hdel user born
(integer) 1
> exists user
(integer) 0
> hgetall user
(empty array)
> hlen user
(integer) 0
> sadd numbers 3 1 2 1
(integer) 3
> smembers numbers
1) "1"
2) "2"
3) "3"
> sismember numbers 2
(integer) 1
> srem numbers 2 7
(integer) 1
> sismember numbers 2
(integer) 0
> scard numbers
(integer) 2
"#,
    );
}

#[test]
fn a_session_with_sorted_sets_and_lists() {
    assert_session(
        r#"> zadd board 10 ann 20.5 bob 30 cid
(integer) 3
> zadd board GT 5 ann 40 cid
(integer) 0
> zadd board NX 1 ann 1 dan
(integer) 1
> zadd board XX INCR 2 ann
"12"
> zadd board XX INCR 2 eve
(nil)
> zscore board bob
"20.5"
> zscore board eve
(nil)
> zrange board 0 -1 WITHSCORES
1) "dan"
2) "1"
3) "ann"
4) "12"
5) "bob"
6) "20.5"
7) "cid"
8) "40"
> zrange board -2 -1
1) "bob"
2) "cid"
> zrem board dan eve
(integer) 1
> zcard board
(integer) 3
> zadd limits -inf low inf high
(integer) 2
> zrange limits 0 -1 withscores
1) "low"
2) "-inf"
3) "high"
4) "inf"
> rpush list b c
(integer) 2
> lpush list a 0
(integer) 4
> lrange list 0 -1
1) "0"
2) "a"
3) "b"
4) "c"
> lpop list
"0"
> rpop list
"c"
> llen list
(integer) 2
> lrange nothing 0 -1
(empty array)
> lpop nothing
(nil)
> rpush long 1 2 3 4 5 6 7 8 9 10
(integer) 10
> lrange long 0 -1
 1) "1"
 2) "2"
 3) "3"
 4) "4"
 5) "5"
 6) "6"
 7) "7"
 8) "8"
 9) "9"
10) "10"
"#,
    );
}

#[test]
fn a_session_about_how_values_are_stored() {
    assert_session(
        r#"> set number 7
OK
> object encoding number
"int"
> object refcount number
(integer) 1
> object idletime number
(integer) 3
> touch number
(integer) 1
> object idletime number
(integer) 1
> object freq number
(error) ERR An LFU maxmemory policy is not selected, access frequency not tracked.
> object encoding nothing
(nil)
> sadd set 1
(integer) 1
> object encoding set
"intset"
> sadd set one
(integer) 1
> object encoding set
"listpack"
> memory usage nothing
(nil)
"#,
    );
    let options = Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysLfu);
    let session = r#"> set number 7
OK
> object freq number
(integer) 5
> object idletime number
(error) ERR An LFU maxmemory policy is selected, idle time not tracked.
"#;
    assert_replays(&mut Keyspace::with_options(options), session);
    let options = Options::new().maxmemory_policy(MaxmemoryPolicy::AllkeysS3fifo);
    let session = r#"> set number 7
OK
> object freq number
(integer) 0
> get number
"7"
> object freq number
(integer) 1
> object idletime number
(error) ERR An S3-FIFO maxmemory policy is selected, idle time not tracked.
"#;
    assert_replays(&mut Keyspace::with_options(options), session);
}
