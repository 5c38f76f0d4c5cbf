"""One-off."""
import uvloop
def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}
