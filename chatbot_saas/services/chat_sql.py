"""The statements that take a question in: its conversation, what was said before, and the answer that is to come."""

VISITORS_CONVERSATION = """
    SELECT c.id, EXISTS (SELECT 1 FROM attachments a
                         WHERE a.conversation_id = c.id AND a.message_id IS NOT NULL) AS has_files
    FROM conversations c WHERE c.id = %(id)s AND c.bot_id = %(bot_id)s
    """
SESSIONS_CONVERSATION = """
    SELECT id, false AS has_files FROM conversations WHERE bot_id = %(bot_id)s AND session_id = %(session_id)s
    """
NEW_CONVERSATION = """
    INSERT INTO conversations (id, tenant_id, bot_id, channel, session_id, origin, status, message_count,
                               first_question)
    SELECT %(id)s, tenant_id, id, %(channel)s, %(session_id)s, '', 'open', 0, '' FROM bots WHERE id = %(bot_id)s
    ON CONFLICT DO NOTHING
    """
HISTORY = """
    SELECT role, text FROM messages
    WHERE conversation_id = %(conversation_id)s AND id < %(before)s AND status = 'complete'
    ORDER BY id DESC LIMIT %(limit)s
    """
QUESTION = """
    INSERT INTO messages (id, tenant_id, bot_id, conversation_id, role, text, status, client_message_id, sources, trace,
                          bot_version)
    VALUES (%(id)s, %(tenant_id)s, %(bot_id)s, %(conversation_id)s, 'user', %(text)s, 'complete', %(client_message_id)s,
            '[]', %(trace)s::jsonb, %(bot_version)s)
    ON CONFLICT (conversation_id, client_message_id) DO NOTHING RETURNING id
    """
COUNT_QUESTION = """
    UPDATE conversations SET message_count = message_count + 2, last_message_at = now(), status = 'open',
           first_question = CASE first_question WHEN '' THEN %(first_question)s ELSE first_question END
    WHERE id = %(conversation_id)s AND EXISTS (SELECT 1 FROM messages WHERE id = %(id)s)
    """
PENDING_ANSWER = """
    INSERT INTO messages (id, tenant_id, bot_id, conversation_id, role, text, status, reply_to_id, sources, trace,
                          bot_version)
    SELECT %(answer_id)s, tenant_id, bot_id, conversation_id, 'assistant', '', 'pending', id, '[]', '{}', bot_version
    FROM messages WHERE id = %(id)s
    """
ATTACH = """
    UPDATE attachments SET message_id = %(id)s
    WHERE id = ANY(%(attachments)s) AND conversation_id = %(conversation_id)s AND message_id IS NULL
          AND EXISTS (SELECT 1 FROM messages WHERE id = %(id)s)
    RETURNING id
    """
"""Sends the files with a question, unless it was stored before. Every one has to be returned."""
