"""How the live view lies in Redis, and the two scripts that write and read it.

Of each kind of item (`person`, `alert`, `withdrawal`, `answer`, `camera`), below the prefix:

    KIND:NAME      text: version, area and JSON of the item, apart by spaces; expires with the item
    KIND           sorted set: names by rank
    KIND.expiry    sorted set: names by the time at which they expire, for those who sweep

The sorted sets expire with the last of their items, so what nobody writes to any more is gone as a whole. Besides them
`mirror:ID` says that all a worker knows has been written; where it is missing, Redis was emptied meanwhile.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha1
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec

from streams.live.view import ITEMS_MAX, SHELVES, Item

ITEMS_PER_SCRIPT = 500  # Redis does nothing else meanwhile: a few milliseconds
Kind = TypeVar("Kind", bound=Item)


class Script(NamedTuple):
    """A Lua script and the name by which Redis knows it."""

    text: str

    @property
    def sha(self) -> str:
        """The digest of its text."""
        return sha1(self.text.encode(), usedforsecurity=False).hexdigest()


WRITE = Script("""
local prefix, now, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local function drop(shelf, members)
  for _, member in ipairs(members) do
    redis.call('DEL', prefix .. shelf .. ':' .. member)
    redis.call('ZREM', prefix .. shelf, member)
    redis.call('ZREM', prefix .. shelf .. '.expiry', member)
  end
end
local shelves, longest = cmsgpack.unpack(ARGV[5]), {}
for _, shelf in ipairs(shelves) do
  drop(shelf, redis.call('ZRANGEBYSCORE', prefix .. shelf .. '.expiry', '-inf', now, 'LIMIT', 0, 2000))
end
for _, item in ipairs(cmsgpack.unpack(ARGV[4])) do
  local shelf, member, version, rank, expires, value = unpack(item)
  local key, left = prefix .. shelf .. ':' .. member, expires - now
  local held = redis.call('GET', key)
  local newer = not held or string.match(held, '^%S+') < version
  if newer and left > 0 then
    redis.call('SET', key, version .. ' ' .. value, 'PX', left)
    redis.call('ZADD', prefix .. shelf, rank, member)
    redis.call('ZADD', prefix .. shelf .. '.expiry', expires, member)
    longest[shelf] = math.max(longest[shelf] or 0, left)
  elseif newer then
    drop(shelf, {member})
  end
end
for shelf, left in pairs(longest) do
  for _, index in ipairs({prefix .. shelf, prefix .. shelf .. '.expiry'}) do
    if redis.call('PTTL', index) < left then redis.call('PEXPIRE', index, left) end
  end
end
for _, shelf in ipairs(shelves) do
  local index = prefix .. shelf .. '.expiry'
  local over = redis.call('ZCARD', index) - most
  if over > 0 then drop(shelf, redis.call('ZRANGE', index, 0, over - 1)) end
end
""")
"""Drops what has expired, takes items in, and drops what is then too many of a kind: prefix, now in ms, most items of a
kind, msgpack of [kind, name, version, rank, expires in ms, area and JSON] of each item, msgpack of all kinds. Comparing
and writing are one step, so older news that another worker brings later change nothing."""

READ = Script("""
local prefix, shelf, limit, area = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local found, gone, start, members = {}, {}, 0
repeat
  members = redis.call('ZRANGE', prefix .. shelf, start, start + 255)
  local keys = {}
  for at, member in ipairs(members) do keys[at] = prefix .. shelf .. ':' .. member end
  local values = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
  for at, value in ipairs(values) do
    if not value then
      gone[#gone + 1] = members[at]
    elseif #found < limit and (area == '' or string.match(value, '^%S+ (%S+)') == area) then
      found[#found + 1] = value
    end
  end
  start = start + 256
until #members < 256 or #found >= limit
for _, member in ipairs(gone) do
  redis.call('ZREM', prefix .. shelf, member)
  redis.call('ZREM', prefix .. shelf .. '.expiry', member)
end
return found
""")
"""The values of a kind by rank: prefix, kind, most, and the area or nothing. Names whose value has expired go."""

_encode = msgspec.json.Encoder().encode
_KINDS = msgspec.msgpack.encode([kind.shelf for kind in SHELVES])


def write_arguments(
    prefix: str, items: Iterable[Item], now_ms: int, items_max: int = ITEMS_MAX
) -> Iterator[tuple[str | bytes | int, ...]]:
    """Of each call of `WRITE` the arguments; at least one call, which then only drops."""
    parts = [[_packed(item) for item in part] for part in _parts(items)]
    for part in parts or [[]]:
        yield prefix, now_ms, items_max, msgspec.msgpack.encode(part), _KINDS


def read_arguments(prefix: str, kind: type[Item], limit: int, area: str | None) -> tuple[str | int, ...]:
    """The arguments of `READ`."""
    return prefix, kind.shelf, limit, area or ""


def decoded(kind: type[Kind], values: Iterable[bytes]) -> list[Kind]:
    """Items from values as `READ` gives them; what another version of Vigil wrote and cannot be read is left out."""
    found = list[Kind]()
    for value in values:
        try:
            found.append(msgspec.json.decode(value.split(b" ", 2)[2], type=kind))
        except (msgspec.MsgspecError, IndexError, UnicodeDecodeError):
            continue
    return found


def value_key(prefix: str, kind: type[Item], name: str) -> str:
    """The key of an item."""
    return f"{prefix}{kind.shelf}:{name}"


def mirror_key(prefix: str, mirror: str) -> str:
    """The key that says that all a worker knows has been written."""
    return f"{prefix}mirror:{mirror}"


def patterns(prefix: str) -> list[str]:
    """What the keys of the view match; keys of others are not among them, even without a prefix."""
    literal = "".join(f"\\{each}" if each in "*?[]\\^-" else each for each in prefix)
    ours = [pattern for kind in SHELVES for pattern in (kind.shelf, f"{kind.shelf}.expiry", f"{kind.shelf}:*")]
    return [f"{literal}{pattern}" for pattern in [*ours, "mirror:*"]]


def _packed(item: Item) -> tuple[str, str, str, int, int, str]:
    value = f"{item.area} {_encode(item).decode()}"
    return item.shelf, item.member, item.version, item.rank, item.expires_ms, value


def _parts(items: Iterable[Item]) -> Iterator[list[Item]]:
    left = iter(items)
    while part := list(islice(left, ITEMS_PER_SCRIPT)):
        yield part
