/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights of a capability. Derivation can only take away.
 */
#pragma once

#define RIGHT_READ    0x01u /* operations that only look */
#define RIGHT_WRITE   0x02u /* Log.WRITE, Irq.TRIGGER */
#define RIGHT_EXECUTE 0x04u /* no kernel object uses it */
#define RIGHT_SPECIAL 0x08u /* Factory.FEED */
#define RIGHT_CONTROL 0x10u /* operations that change the object; for a gate: becoming its handler */
#define RIGHT_SEND    0x20u /* may be sent in a message */
#define RIGHTS_ALL    0x3fu

/*
 * A gate: whoever has a capability of it may call it. The server sees the rights of the capability that was
 * used; READ, WRITE, EXECUTE and SPECIAL mean what its protocol says.
 */
