/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of the mapping database between cores: map against unmap against the repair of access flags against tables that are
 * given back. For Spin; `./strata test -R models` runs it, and docs/locking.md says what stands for what.
 *
 * One page of a task B, which frame F or frame G is mapped to. F comes from entry S of another task, G from one that never goes. The
 * entry is in one of TABLES last-level tables, which hangs on one interior entry. Core 0 maps, core 1 unmaps S (its children, then S itself,
 * with an interrupt in between at will) and takes the empty table away, core 2 runs a thread of B: it uses the page and has
 * its access flag repaired.
 *
 * What processors see of an entry (entry[], interior) and what translation table walks see of it (seen_entry[], seen_interior) are two things until a
 * DSB: Arm ARM DDI 0487, "Ordering and completion of TLB maintenance instructions". A TLBI is done at some time before the
 * DSB after it ends.
 *
 * Each of these, defined with -D, plants a mistake that must be found:
 *   NO_RECHECK         the mapper does not look at the source again when it has the lock
 *   NO_REVOKING_TEST   the mapper does not look for the flag of a mapping that is being revoked
 *   NO_HOLD            the mapper does not count in the table before it fills an entry
 *   NO_BROKEN          an entry becomes 0, not BROKEN, before the TLBI
 *   NO_DSB_BEFORE      no DSB between the store to the entry and the TLBI
 *   NO_TLBI            no TLBI
 *   NO_DSB_AFTER       no DSB after the TLBI
 *   NO_TABLE_TLBI      no TLBI for the interior entry
 *   NO_ROUND           a table is freed at once
 *   PLAIN_REPAIR       the repair stores the entry instead of exchanging it
 */
#define TABLES 2
#define CORES  3
#define MAPS   2
#define USES   2

#define ENTRY_NONE   0
#define ENTRY_BROKEN 1
#define ENTRY_F      2 /* AF clear */
#define ENTRY_F_USED 3
#define ENTRY_G      4 /* AF set */

/* Translation tables. */
byte entry[TABLES], seen_entry[TABLES];
byte interior, seen_interior; /* number of the table + 1 */
short live[TABLES];           /* -1: dead */
bool freed[TABLES] = true;    /* not a table: free for other uses */

/* The database. */
bool source_valid = true;
bool revoking = false;
byte child = 0; /* table of the child of S + 1 */

/* Locks of the regions of F and G; each is taken by one. */
bool lock_f = false, lock_g = false;

/* Rounds: how often a core has left the kernel, and whether it is in it. */
bool in_kernel[CORES];
byte exits[CORES];

/* Hardware: what core 2's TLB keeps. */
byte tlb = ENTRY_NONE;    /* ENTRY_F_USED or ENTRY_G */
byte tlb_table = 0;       /* the table that a walk remembers + 1 */
bool tlbi_page = false, tlbi_table = false; /* on their way */

bool unmapped = false; /* unmap of S has returned */

#define LOCK(l)   atomic { !l -> l = true }
#define UNLOCK(l) l = false

inline enter(core)
{
	in_kernel[core] = true
}

inline leave(core)
{
	d_step { in_kernel[core] = false; exits[core] = (exits[core] + 1) % 8 }
}

/* A DSB: all that was stored is seen, and all TLBIs are done. */
inline dsb()
{
	d_step {
		seen_entry[0] = entry[0];
		seen_entry[1] = entry[1];
		seen_interior = interior;
		if
		:: tlbi_page -> tlb = ENTRY_NONE; tlbi_page = false
		:: else
		fi;
		if
		:: tlbi_table -> tlb_table = 0; tlb = ENTRY_NONE; tlbi_table = false
		:: else
		fi
	}
}

/* Stores become visible to walks, and TLBIs are done, also without being waited for. */
active proctype hardware()
{
end:	do
	:: atomic { seen_entry[0] != entry[0] -> seen_entry[0] = entry[0] }
	:: atomic { seen_entry[1] != entry[1] -> seen_entry[1] = entry[1] }
	:: atomic { seen_interior != interior -> seen_interior = interior }
	:: atomic { tlbi_page -> tlb = ENTRY_NONE; tlbi_page = false }
	:: atomic { tlbi_table -> tlb_table = 0; tlb = ENTRY_NONE; tlbi_table = false }
	od
}

/* ---- space.c ---- */

/* space_hold(): down to the entry, making the table if there is none; t is counted in. */
inline hold(t)
{
	do
	:: atomic { interior != 0 && interior != ENTRY_BROKEN + TABLES -> t = interior - 1 };
#ifdef NO_HOLD
		break
#else
		atomic {
			if
			:: live[t] >= 0 -> assert(!freed[t]); live[t]++; break
			:: else /* dead: again */
			fi
		}
#endif
	:: atomic {
		interior == 0 ->
		if
		:: freed[0] -> t = 0
		:: !freed[0] && freed[1] -> t = 1
		:: else -> t = TABLES
		fi;
		if
		:: t < TABLES -> freed[t] = false; live[t] = 0; entry[t] = ENTRY_NONE; seen_entry[t] = ENTRY_NONE;
			interior = t + 1
		:: else
		fi
	   };
	   if
	   :: t == TABLES -> goto out_of_memory
	   :: else
	   fi
	od
}

/* space_drop_table(): takes away a table without entries. Then it waits for a round. */
chan retired = [TABLES] of { byte };

inline drop_table(t)
{
	bool mine = false;
	atomic {
		if
		:: live[t] == 0 -> live[t] = -1; mine = true
		:: else
		fi
	}
	if
	:: mine ->
		interior = ENTRY_BROKEN + TABLES; /* found by nobody, and not to be filled */
		dsb();
#ifndef NO_TABLE_TLBI
		tlbi_table = true;
#endif
		dsb();
		interior = 0;
		retired!t
	:: else
	fi
}

/* The core that retired it frees it when all others have left the kernel once. */
active proctype round()
{
	byte t, core, was[CORES];
end:	do
	:: retired?t ->
#ifndef NO_ROUND
		d_step { was[0] = exits[0]; was[1] = exits[1]; was[2] = exits[2] }
		core = 0;
		do
		:: core < CORES ->
			(!in_kernel[core] || exits[core] != was[core]);
			core++
		:: else -> break
		od;
#endif
		freed[t] = true
	od
}

/* ---- mapdb.c ---- */

inline live_down(t)
{
	atomic { assert(!freed[t]); live[t]-- }
}

active proctype mapper()
{
	byte maps = 0, t;
	bool mapped, good;
	do
	:: maps < MAPS ->
		maps++;
		mapped = false;
		enter(0);
		/* find_source(), without a lock */
		good = source_valid;
		if
		:: good ->
			hold(t);
			LOCK(lock_f);
#ifndef NO_RECHECK
			good = source_valid;
#endif
#ifndef NO_REVOKING_TEST
			good = good && !revoking;
#endif
			if
			:: good ->
				/* map_new(): one exchange of the entry, then the link; nobody sees one without the other */
				atomic {
					assert(!freed[t]);
					if
					:: entry[t] == ENTRY_NONE ->
						/* Break before make: no TLB knows another translation. */
						assert(tlb == ENTRY_NONE && seen_entry[t] != ENTRY_G);
						assert(!revoking);
						entry[t] = ENTRY_F;
						child = t + 1;
						mapped = true
					:: else
					fi
				}
			:: else
			fi;
			UNLOCK(lock_f);
#ifndef NO_HOLD
			if
			:: !mapped -> live_down(t)
			:: else
			fi;
#else
			if
			:: mapped -> atomic { live[t]++ }
			:: else
			fi;
#endif
			dsb()
		:: else
		fi;
out_of_memory:
		leave(0)
	:: maps < MAPS ->
		/* The same of G, under another lock; and later its owner takes it back. */
		maps++;
		mapped = false;
		enter(0);
		hold(t);
		LOCK(lock_g);
		atomic {
			assert(!freed[t]);
			if
			:: entry[t] == ENTRY_NONE ->
				assert(tlb == ENTRY_NONE);
				entry[t] = ENTRY_G;
				mapped = true
			:: else
			fi
		}
		UNLOCK(lock_g);
#ifndef NO_HOLD
		if
		:: !mapped -> live_down(t)
		:: else
		fi;
#else
		if
		:: mapped -> atomic { live[t]++ }
		:: else
		fi;
#endif
		dsb();
		leave(0);
		if
		:: mapped ->
			enter(0);
			LOCK(lock_g);
			entry[t] = ENTRY_BROKEN;
			dsb();
			tlbi_page = true;
			dsb();
			UNLOCK(lock_g);
			entry[t] = ENTRY_NONE;
			live_down(t);
			leave(0)
		:: else
		fi
	:: else -> break
	od
}

/* ---- mapdb_unmap.c ---- */

active proctype unmapper()
{
	byte t;
	enter(1);
	LOCK(lock_f);
	revoking = true;
	do
	:: child != 0 ->
		/* mapping_take() */
		t = child - 1;
#ifdef NO_BROKEN
		entry[t] = ENTRY_NONE;
#else
		entry[t] = ENTRY_BROKEN;
#endif
		child = 0;
		/* batch_flush() */
#ifndef NO_DSB_BEFORE
		dsb();
#endif
#ifndef NO_TLBI
		tlbi_page = true;
#endif
#ifndef NO_DSB_AFTER
		dsb();
#endif
		UNLOCK(lock_f);
		/* batch_release() */
		entry[t] = ENTRY_NONE;
		live_down(t);
		drop_table(t);
		if
		:: true /* an interrupt */
			leave(1);
			enter(1)
		:: true
		fi;
		LOCK(lock_f)
	:: else -> break
	od;
	/* remove_end(), with `self` */
	source_valid = false;
	revoking = false;
	UNLOCK(lock_f);
	unmapped = true;
	/* M6: nothing that it took is reachable. */
	assert(tlb != ENTRY_F_USED);
	assert(child == 0);
	t = 0;
	do
	:: t < TABLES ->
		assert(freed[t] || (entry[t] != ENTRY_F && entry[t] != ENTRY_F_USED));
		assert(freed[t] || (seen_entry[t] != ENTRY_F && seen_entry[t] != ENTRY_F_USED));
		t++
	:: else -> break
	od;
	leave(1)
}

/* ---- a thread of B, and mapdb_repair() ---- */

active proctype user()
{
	byte uses = 0, t, value;
	do
	:: uses < USES ->
		uses++;
		/* A walk: the table first, which may be remembered. */
		atomic {
			if
			:: tlb == ENTRY_NONE && tlb_table == 0 && seen_interior != 0 && seen_interior <= TABLES ->
				tlb_table = seen_interior
			:: else
			fi
		}
		value = ENTRY_NONE;
		atomic {
			if
			:: tlb != ENTRY_NONE -> value = tlb
			:: tlb == ENTRY_NONE && tlb_table != 0 ->
				assert(!freed[tlb_table - 1]); /* a walk through memory that is no table any more */
				value = seen_entry[tlb_table - 1];
				if
				:: value == ENTRY_F_USED || value == ENTRY_G -> tlb = value
				:: else
				fi
			:: else
			fi
		}
		/* The access itself is made at once: a TLBI waits for it. */
		atomic {
			if
			:: tlb == ENTRY_F_USED -> assert(!unmapped)
			:: else
			fi
		}
		if
		:: value == ENTRY_F ->
			enter(2);
			t = interior;
			if
			:: t != 0 && t <= TABLES ->
				t--;
				assert(!freed[t]);
				value = entry[t];
				assert(!freed[t]);
				if
				:: value == ENTRY_F ->
#ifdef PLAIN_REPAIR
					entry[t] = ENTRY_F_USED
#else
					atomic {
						assert(!freed[t]);
						if
						:: entry[t] == ENTRY_F -> entry[t] = ENTRY_F_USED
						:: else
						fi
					}
#endif
				:: else
				fi
			:: else
			fi;
			leave(2)
		:: else
		fi
	:: else -> break
	od
}
