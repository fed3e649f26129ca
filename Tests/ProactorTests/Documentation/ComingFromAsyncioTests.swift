import Foundation
import Testing

/// The page that leads from asyncio's names to ours. That ours exist, `make docs` checks; that none of theirs is left out,
/// this does.
@Suite struct ComingFromAsyncioTests {
    private static let names = """
        get_running_loop get_event_loop set_event_loop new_event_loop run_until_complete run_forever stop is_running
        is_closed close shutdown_asyncgens shutdown_default_executor call_soon call_soon_threadsafe call_later call_at
        time create_future create_task set_task_factory get_task_factory create_connection create_datagram_endpoint
        create_unix_connection create_server create_unix_server connect_accepted_socket sendfile start_tls add_reader
        remove_reader add_writer remove_writer sock_recv sock_recv_into sock_recvfrom sock_recvfrom_into sock_sendall
        sock_sendto sock_connect sock_accept sock_sendfile getaddrinfo getnameinfo connect_read_pipe connect_write_pipe
        add_signal_handler remove_signal_handler run_in_executor set_default_executor set_exception_handler
        get_exception_handler default_exception_handler call_exception_handler get_debug set_debug
        slow_callback_duration subprocess_exec subprocess_shell Handle TimerHandle Server SelectorEventLoop
        ProactorEventLoop EventLoop Runner Future Task current_task all_tasks get_extra_info is_closing set_protocol
        get_protocol is_reading pause_reading resume_reading write writelines write_eof can_write_eof abort
        get_write_buffer_size get_write_buffer_limits set_write_buffer_limits sendto get_pid get_returncode
        get_pipe_transport send_signal terminate kill connection_made connection_lost pause_writing resume_writing
        data_received eof_received get_buffer buffer_updated datagram_received error_received pipe_data_received
        pipe_connection_lost process_exited sleep timeout timeout_at wait_for gather wait shield as_completed TaskGroup
        to_thread ensure_future wrap_future Lock Event Condition Semaphore BoundedSemaphore Barrier Queue PriorityQueue
        LifoQueue loop dispatcher dispatcher_with_send file_dispatcher async_chat open_connection open_unix_connection
        start_server start_unix_server StreamReader StreamWriter StreamReaderProtocol IncompleteReadError LimitOverrunError
        read readline readexactly readuntil at_eof exception feed_data feed_eof set_exception set_transport drain wait_closed
        create_subprocess_exec create_subprocess_shell Process communicate stdin stdout stderr pid returncode PIPE STDOUT
        DEVNULL
        """

    @Test func everyCallOfTheirsHasItsRow() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/Proactor/Proactor.docc/ComingFromAsyncio.md")
        let rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter {
            $0.hasPrefix("|")
        }
        // What stands in the first column, by name.
        let theirs = rows.compactMap { $0.split(separator: "|").first }.joined(separator: ",")
        for name in Self.names.split(whereSeparator: \.isWhitespace) {
            #expect(theirs.contains("`\(name)`"), "no row for \(name)")
        }
    }
}
