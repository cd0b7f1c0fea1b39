/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap.pml - a swap of UNITS units, its trial, and its revert; power cut in any copy and any record.
 *
 * A unit in flash holds the old image's or the new one's unit, or junk. A copy that was cut leaves
 * junk, or what reads right on cells that do not hold it (WEAK). The journal is what journal.pml
 * shows of it: a record that was cut is there or not at each reset, until one behind it is
 * complete. FAULT 1..6 breaks one rule of docs/spec/40-boot.md.
 */
#ifndef UNITS
#define UNITS 4
#endif
#ifndef CUTS
#define CUTS 4
#endif
#ifndef FAULT
#define FAULT 0
#endif
#define JUNK 0
#define OLD(u) (1 + (u))
#define NEW(u) (1 + UNITS + (u))
#define WEAK 32
#define SWAP 0
#define TRIAL 1
#define REVERT 2
#define REST 3

byte primary[UNITS], secondary[UNITS + 1]; /* one place more: the hole */
byte cuts, u;
bool rejected, kept;
typedef state { byte phase; byte out; byte in };
state old, new, at; /* in the journal: the last complete record, and one that was cut (or the same) */
bool redo;

inline copy_state(to, from) { to.phase = from.phase; to.out = from.out; to.in = from.in }

inline record() {
    atomic {
        copy_state(new, at);
        if
        :: cuts < CUTS -> cuts++; goto reset
        :: true -> copy_state(old, at)
        fi
    }
}

/* compares: what reads right is skipped */
inline copy(to, from, compares) {
    atomic {
        assert(from < WEAK); /* a source on weak cells is no source */
        if
        :: (compares) && to % WEAK == from
        :: else ->
            if
            :: cuts < CUTS -> cuts++; to = JUNK; goto reset
            :: cuts < CUTS -> cuts++; to = WEAK + from; goto reset
            :: true -> to = from
            fi
        fi
    }
}

inline primary_is(first) {
    atomic {
        u = 0;
        do
        :: u < UNITS -> assert(primary[u] == first + u); u++
        :: else -> u = 0; break
        od
    }
}
inline fallback_is_whole() {
    atomic {
        u = 0;
        do
        :: u < UNITS -> assert(secondary[u + 1] == OLD(u)); u++
        :: else -> u = 0; break
        od
    }
}

active proctype device() {
    atomic {
        do
        :: u < UNITS -> primary[u] = OLD(u); secondary[u] = NEW(u); u++
        :: else -> u = 0; break
        od
    }
reset:
    if /* each boot reads one of the two */
    :: copy_state(at, old)
    :: copy_state(at, new)
    fi;
    redo = FAULT != 3;
    if
    :: (at.phase == SWAP || at.phase == REVERT) && FAULT != 1 -> record()
    :: else
    fi;
    do
    :: at.phase == SWAP && at.in < UNITS ->
        u = UNITS - 1 - at.in; /* from the top down */
        if
        :: at.out == at.in ->
            if
            :: FAULT == 2 -> at.out++; record(); copy(secondary[u + 1], primary[u], false)
            :: else -> copy(secondary[u + 1], primary[u], !redo && FAULT == 3); at.out++
            fi
        :: else -> copy(primary[u], secondary[u], !redo); at.in++
        fi;
        redo = false;
        u = 0;
        if
        :: at.in == UNITS -> at.phase = TRIAL
        :: else
        fi;
        if
        :: FAULT == 4 && at.out > at.in /* out is not on record before its place is overwritten */
        :: FAULT == 2 && at.out > at.in
        :: else -> record()
        fi
    :: at.phase == TRIAL ->
        primary_is(NEW(0));
        fallback_is_whole();
        if
        :: at.phase = REST; record(); kept = true /* confirmed */
        :: at.phase = REVERT;
            if
            :: FAULT == 5 /* data moves before the revert is on record */
            :: else -> record()
            fi
        fi
    :: at.phase == REVERT && at.out > 0 ->
        rejected = true; /* REJECT: appended whenever a revert begins or goes on */
        u = UNITS - at.out;
        if
        :: FAULT == 6 -> at.out--; record(); copy(primary[u], secondary[u + 1], !redo)
        :: else -> copy(primary[u], secondary[u + 1], !redo); at.out--
        fi;
        redo = false;
        u = 0;
        if
        :: FAULT != 6 && at.out > 0 -> record()
        :: else
        fi
    :: at.phase == REVERT && at.out == 0 ->
        primary_is(OLD(0));
        fallback_is_whole();
        at.phase = REST; at.in = 0;
        record()
    :: at.phase == REST && at.in != 0 -> /* the new image */
        primary_is(NEW(0)); assert(!rejected); break
    :: at.phase == REST && at.in == 0 ->
        primary_is(OLD(0)); assert(rejected && !kept); break
    od
}
