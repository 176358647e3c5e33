"""Wrong tokens are answered slowly, one after the other; who waits with too many others is not heard at all."""

import asyncio

_PAUSE = 0.25
_MOST = 16


class Guesses:
    """Answers to wrong tokens, of all visitors together: four a second, however many ask."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def wait(self) -> bool:
        """Waits for the answer's turn; whether it came."""
        if self._waiting >= _MOST:
            return False
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.sleep(_PAUSE)
        finally:
            self._waiting -= 1
        return True
