/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.pml - two halves of CELLS cells, power cut in any write, all ways at once.
 *
 * A cell is a sector and a row write fills it, the live records are one, the state is a number that
 * counts up; it stands for the steps of a swap. A cut leaves the cell unstable for ever: each later
 * reading gives what was there, what was to be there, or nothing. The bootloader's rule for what
 * moves: the state that was read is appended again, then it is acted upon. What must hold: nothing
 * that was acted upon is forgotten, and nothing is read that nobody wrote.
 *
 * A row write that is cut is in it: where the cell was unstable already, it may go on reading as the older record.
 *
 * FAULT 1..11 breaks one rule of docs/spec/30-journal.md; run.py says which are found with how many
 * cuts. 9: of two records the one with the higher number counts, and numbers go on from the highest that was
 * read in passing. 10: a chain of sessions with one record each has no end. 11: the numbers of two halves meet.
 */
#ifndef CELLS
#define CELLS 5  /* a half: live record, HEAD, what follows it, HEAD's repetition, and one */
#endif
#ifndef CUTS
#define CUTS 3
#endif
#ifndef LAST
#define LAST 4   /* the state counts up to this */
#endif
#ifndef FAULT
#define FAULT 0
#endif
#ifndef AHEAD
#define AHEAD 2  /* cells behind that the first append of a session erases; as far from the last one that FOLLOWS may it lie */
#endif
#define GAP (2 * CELLS) /* between the numbers of two halves */
#define ALL (2 * CELLS)
#define NOTHING 0
#define HEAD 1
#define STATE 2

typedef record { byte kind; byte seq; byte val; bool follows }; /* val of a HEAD: seq of the live record */
typedef cell { record new; record old; bool unstable };
cell cells[ALL];
byte cuts, acted;
bool begun;         /* somebody acted, so the journal may not be empty */

/* The session; all of it is lost at a reset. */
byte seq, highest, first, half, next, limit, cur, i, h, pick, top;
bool follows, repeat_head, live, followed, doubt, found, cut_compaction, no_room;
record head[2], got;

/* One reading of cell c. */
inline read(c) {
    if
    :: !cells[c].unstable -> copy(got, cells[c].new)
    :: cells[c].unstable -> copy(got, cells[c].new)
    :: cells[c].unstable -> copy(got, cells[c].old)
    :: cells[c].unstable -> got.kind = NOTHING; got.seq = 0; got.val = 0; got.follows = false
    fi
}
inline copy(to, from) { to.kind = from.kind; to.seq = from.seq; to.val = from.val; to.follows = from.follows }

/* Fill cell c, or lose power in it. What an unstable cell was before is not told any more. */
inline write(c, k, s, v, f) {
    atomic {
        if
        :: cells[c].unstable && cells[c].old.kind == NOTHING -> copy(cells[c].old, cells[c].new)
        :: cells[c].unstable
        :: !cells[c].unstable -> copy(cells[c].old, cells[c].new)
        fi;
        cells[c].new.kind = k; cells[c].new.seq = s; cells[c].new.val = v; cells[c].new.follows = f;
        if
        :: cuts < CUTS -> cuts++; cells[c].unstable = true; goto reset
        :: true -> cells[c].unstable = false; cells[c].old.kind = NOTHING; cells[c].old.seq = 0; cells[c].old.val = 0; cells[c].old.follows = false
        fi
    }
}

/* The next record; no_room: the half has no cell left. The first one erases the cell behind it first. */
inline write_record(k, v) {
    no_room = next == (half + 1) * CELLS;
    if
    :: no_room
    :: !no_room ->
        top = 0;
        do
        :: !follows && FAULT != 4 && top < AHEAD && next + 1 + top < (half + 1) * CELLS ->
            write(next + 1 + top, NOTHING, 0, 0, false);
            top++
        :: else -> break
        od;
        top = 0;
        seq++;
        write(next, k, seq, v, follows);
        next++;
        follows = true
    fi
}

inline compact() {
    half = 1 - half;
    i = 0;
    do
    :: i < CELLS -> /* from the top down: an old HEAD dies before what it vouches for */
        top = (FAULT == 5 -> half * CELLS + i : half * CELLS + CELLS - 1 - i);
        write(top, NOTHING, 0, 0, false);
        i++
    :: else -> break
    od;
    top = 0;
    next = half * CELLS;
    seq = (FAULT == 11 -> seq : seq + GAP);
    first = seq + 1;
    repeat_head = false;
    follows = true;
    write_record(STATE, cur);
    write_record(HEAD, first)
}

inline append() {
    if
    :: repeat_head ->
        if
        :: next == (half + 1) * CELLS && FAULT != 8 -> next-- /* not a half to erase the other one for */
        :: else
        fi;
        write_record(HEAD, first)
    :: else -> no_room = false
    fi;
    if
    :: !no_room -> repeat_head = false; write_record(STATE, cur)
    :: else -> repeat_head = false
    fi;
    if
    :: no_room -> compact(); write_record(STATE, cur)
    :: else
    fi
}

/* The newest HEAD of each half, then the half that it is in. */
inline find_heads() {
    i = 0;
    do
    :: i < ALL ->
        read(i);
        if
        :: got.kind == HEAD && got.seq > head[i / CELLS].seq -> copy(head[i / CELLS], got)
        :: else
        fi;
        highest = (got.seq > highest -> got.seq : highest);
        i++
    :: else -> break
    od
}
inline take_half() {
    first = head[h].val; seq = 0; live = false; followed = false; doubt = true; limit = 0;
    i = h * CELLS;
    do
    :: i < (h + 1) * CELLS ->
        read(i);
        if
        :: got.kind == NOTHING || got.seq < first || (FAULT == 9 && got.seq < seq)
        :: else ->
            live = live || got.seq == first;
            followed = followed || got.seq > first + 1;
            doubt = doubt && (got.seq <= first + 2 || got.kind == HEAD);
            seq = got.seq; next = i + 1;
            limit = (got.follows -> i + AHEAD : limit);
            if
            :: got.kind == STATE -> cur = got.val
            :: else
            fi
        fi;
        i++
    :: else -> break
    od;
    found = head[h].seq != 0 && live && (followed || FAULT == 2)
}

inline open() {
    find_heads();
    pick = (head[1].seq > head[0].seq -> 1 : 0);
    h = pick; take_half();
    if
    :: !found -> h = 1 - pick; take_half()
    :: else
    fi;
    if
    :: found ->
        half = h;
        cut_compaction = head[1 - h].seq > seq && FAULT != 7;
        seq = (highest > seq && FAULT == 9 -> highest : seq);
        repeat_head = doubt && !cut_compaction && FAULT != 3;
        next = (cut_compaction || (next > limit && !doubt && FAULT != 10) -> (half + 1) * CELLS : next)
    :: else -> /* nothing yet: begin */
        assert(!begun);
        half = 1; next = ALL; seq = highest; cur = 0; repeat_head = false
    fi
}

active proctype device() {
reset:
    skip;
    d_step {
        seq = 0; first = 0; half = 0; next = 0; limit = 0; cur = 0; i = 0; h = 0; pick = 0; top = 0; no_room = false; highest = 0;
        follows = false; repeat_head = false; live = false; followed = false; doubt = false; found = false;
        cut_compaction = false; got.kind = 0; got.seq = 0; got.val = 0; got.follows = false;
        head[0].kind = 0; head[0].seq = 0; head[0].val = 0; head[0].follows = false;
        head[1].kind = 0; head[1].seq = 0; head[1].val = 0; head[1].follows = false
    };
    atomic { open() };
    assert(cur >= acted);     /* what was acted upon is known */
    assert(cur <= acted + 1); /* and nothing else, but what was being written */
    if
    :: FAULT != 6 || cur == 0 -> append()
    :: else
    fi;
    do
    :: begun = true; acted = cur; /* cut here: seen again, done again */
        if
        :: cur == LAST -> break
        :: else -> cur++
        fi;
        if
        :: FAULT == 1 -> acted = cur; append()
        :: else -> append()
        fi
    od
}
